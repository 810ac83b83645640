//! Options of security: handshakes, mechanism and authenticator.

use enfonet_zmtp::{Security, User};

use super::Options;
use crate::auth::{AuthPolicy, Authenticator, PermissionPolicy, Permissions};

impl<K> Options<K> {
    /// Sets the maximum number of peers in the middle of their handshake at each endpoint that is bound. Default
    /// 10,000; with zero no peer is admitted.
    ///
    /// At the limit a new connection evicts another handshake: the oldest of the address that has the most in progress.
    /// So peers that send nothing keep no others out. IPv6 addresses count by their first 64 bits, peers over ipc by
    /// their user.
    ///
    /// A new connection also evicts a handshake when the process has few file descriptors left. A share of 1/32 of the
    /// descriptors that the process may have (its soft limit, `RLIMIT_NOFILE`) is reserved for each bound endpoint, and
    /// another share for connections that this side makes and for files. An endpoint that has used up its share gets
    /// none of the reserve, and stops accepting for a while.
    #[must_use]
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.settings.handshake.slots = handshakes;
        self
    }

    /// Sets the mechanism of the socket, its role in it, and its keys or credentials. It holds for tcp and ipc, not for
    /// inproc. Default [`Security::Null`].
    ///
    /// Both ends must have the same mechanism, one as client and one as server. Without an
    /// [`authenticator`](Self::authenticator), a PLAIN server admits no peer, and a CURVE server admits every peer that
    /// knows its public key.
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.settings.handshake.security = security;
        self
    }

    /// Sets the authenticator, which decides which peers are admitted: a [`PlainUsers`](crate::auth::PlainUsers), a
    /// [`CurveClients`](crate::auth::CurveClients), a ZAP handler ([`Zap`](crate::zap::Zap)), or a closure. Default
    /// none.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.settings.handshake.auth_policy = AuthPolicy::with(authenticator);
        self
    }

    /// Sets the function that decides which topics a peer may publish and subscribe to, at PUB, XPUB, SUB and XSUB. It is
    /// called when a peer joins, with the user that the peer was authenticated as, and holds until the peer disconnects:
    /// see [`PeerInfo::permissions`](crate::peer::PeerInfo). A peer without authentication, also over inproc, is a user
    /// without a name. Default: every peer may use all topics. It has no effect on other kinds of sockets, whose
    /// messages have no topics.
    ///
    /// ```
    /// use enfonet::{Options, XPub};
    /// use enfonet::auth::{Permissions, PlainUsers, Security, User};
    ///
    /// let users = PlainUsers::new().user("ada", "secret").user("eve", "secret, too");
    /// let options = Options::default().security(Security::PlainServer).authenticator(users);
    /// let publisher = XPub::with_options(options.permissions(|user: &User| match &user.id[..] {
    ///     b"ada" => Permissions::all(),
    ///     _ => Permissions::none().subscribe(["weather."]),
    /// }));
    /// ```
    ///
    /// With [`invert_matching`](Self::invert_matching), a restricted subscriber gets the messages whose topics it may
    /// subscribe to, except those that match its subscriptions.
    #[must_use]
    pub fn permissions(mut self, decide: impl Fn(&User) -> Permissions + Send + Sync + 'static) -> Self {
        self.settings.permission_policy = PermissionPolicy::with(decide);
        self
    }

    /// Sets the security domain, which is part of each request to the authenticator (libzmq's `ZAP_DOMAIN`). Default
    /// empty.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.settings.handshake.domain = domain.into();
        self
    }

    /// Makes the socket serve peers of ZMTP 2.0 (libzmq 3.x), too. Default off. It has no effect with PLAIN, CURVE or
    /// an authenticator, since ZMTP 2.0 has no authentication.
    #[must_use]
    pub fn zmtp2(mut self, on: bool) -> Self {
        self.settings.handshake.zmtp2 = on;
        self
    }
}
