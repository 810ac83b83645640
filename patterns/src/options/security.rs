//! Options of security: handshakes, mechanism and authenticator.

use enfonet_zmtp::Security;

use super::Options;
use crate::auth::{Authenticator, Door};

impl<K> Options<K> {
    /// Sets the maximum number of peers in the middle of their handshake at each endpoint that is bound.
    /// Default 10,000; with zero no peer is let in.
    ///
    /// At the limit a new connection takes the slot of another: the oldest handshake of the address that has the most is ended. So
    /// peers that say nothing keep nobody out. Addresses of IPv6 count by their first 64 bits, peers over ipc by their user.
    ///
    /// It is the same when the process has few file descriptors left. Each endpoint that is bound is sure of 1/32 of what
    /// the process may have (its soft limit, `RLIMIT_NOFILE`); as much is left for connections that this side makes, and
    /// for files. An endpoint that has more gets none of these, and accepts nobody for a while.
    #[must_use]
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.settings.handshakes = handshakes;
        self
    }

    /// Sets the mechanism of the socket, its role in it, and the keys or login that it needs: on tcp and ipc, not
    /// within the process. Default [`Security::Null`].
    ///
    /// Both ends must have the same mechanism, one as client and one as server. A PLAIN server needs an
    /// [`authenticator`](Self::authenticator), or no peer is let in. A CURVE server without one lets in every peer
    /// that knows its public key.
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.settings.security = security;
        self
    }

    /// Sets the authenticator, which decides which peers are let in: a [`PlainUsers`](crate::auth::PlainUsers), a
    /// [`CurveClients`](crate::auth::CurveClients), a ZAP handler ([`Zap`](crate::zap::Zap)), or a closure. Default none.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.settings.door = Door::kept_by(authenticator);
        self
    }

    /// Sets the security domain, which the authenticator gets to see (libzmq's `ZAP_DOMAIN`). Default empty.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.settings.domain = domain.into();
        self
    }

    /// Serves peers of ZMTP 2.0 too, as libzmq 3.x is. Default off; and never with a mechanism or an
    /// authenticator, of which they know nothing.
    #[must_use]
    pub fn zmtp2(mut self, on: bool) -> Self {
        self.settings.zmtp2 = on;
        self
    }
}
