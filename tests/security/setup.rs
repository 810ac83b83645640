//! Setup for PLAIN and CURVE between our sockets and pyzmq's, with a ZAP handler that knows the client.

use enfonet::Options;
use enfonet::auth::{CurveClients, KeyPair, PlainCredentials, PlainUsers, Security, new_key_pair};
use enfonet_tests::{AnySocket, CurveKeys, PySocket, PyZap, PyZmq, Runtime};
use zmq::SocketType;

pub(crate) const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// A mechanism that has roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    Curve,
}

/// All mechanisms.
pub(crate) const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Curve];

/// The role of an end in its mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

/// All roles.
pub(crate) const ROLES: [Role; 2] = [Role::Server, Role::Client];

impl Role {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }
}

/// The library that a socket belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Implementation {
    Ours,
    Pyzmqs,
}

/// Returns a key pair in Z85, as pyzmq takes it.
pub(crate) fn in_z85(keys: &KeyPair) -> CurveKeys {
    CurveKeys { public: keys.public().to_string(), secret: keys.secret().to_z85().to_string() }
}

/// Returns the credentials of our PLAIN client.
pub(crate) fn login(username: &'static str, password: &str) -> Security {
    Security::PlainClient(PlainCredentials::new(username, password).unwrap())
}

pub(crate) struct Setup {
    pub(crate) runtime: Runtime,
    pub(crate) py: PyZmq,
    /// ZAP handler of pyzmq's servers.
    pub(crate) zap: PyZap,
    pub(crate) server: KeyPair,
    pub(crate) client: KeyPair,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let (runtime, py) = (Runtime::new(), PyZmq::start());
        let (server, client) = (new_key_pair(), new_key_pair());
        let zap = py.zap().users("*", &[("admin", "secret")]).keys("*", &[&client.public().to_string()]);
        Self { runtime, py, zap, server, client }
    }

    pub(crate) fn security(&self, mechanism: Mechanism, role: Role) -> Security {
        let server = *self.server.public();
        match (mechanism, role) {
            (Mechanism::Plain, Role::Server) => Security::PlainServer,
            (Mechanism::Plain, Role::Client) => login("admin", "secret"),
            (Mechanism::Curve, Role::Server) => Security::CurveServer { keys: self.server.clone() },
            (Mechanism::Curve, Role::Client) => Security::CurveClient { keys: self.client.clone(), server },
        }
    }

    /// Returns our options for a role; servers admit the one known client.
    pub(crate) fn options(&self, mechanism: Mechanism, role: Role) -> Options {
        let options = Options::default().security(self.security(mechanism, role));
        match (mechanism, role) {
            (_, Role::Client) => options,
            (Mechanism::Plain, _) => options.authenticator(PlainUsers::new().user("admin", "secret")),
            (Mechanism::Curve, _) => options.authenticator(CurveClients::new().client(*self.client.public())),
        }
    }

    /// Returns a socket of pyzmq's in a role.
    pub(crate) fn secured(&self, kind: &str, mechanism: Mechanism, role: Role) -> PySocket {
        let (socket, server) = (self.py.socket(kind), in_z85(&self.server));
        match (mechanism, role) {
            (Mechanism::Plain, Role::Server) => socket.plain_server(),
            (Mechanism::Plain, Role::Client) => socket.plain("admin", "secret"),
            (Mechanism::Curve, Role::Server) => socket.curve_server(&server.secret),
            (Mechanism::Curve, Role::Client) => socket.curve(&server.public, &in_z85(&self.client)),
        }
    }

    pub(crate) fn end(
        &self,
        implementation: Implementation,
        kind: SocketType,
        (mechanism, role): (Mechanism, Role),
        name: &'static str,
    ) -> AnySocket<'_> {
        match implementation {
            Implementation::Ours => AnySocket::ours(&self.runtime, kind, self.options(mechanism, role), name),
            Implementation::Pyzmqs => {
                let socket = self.secured(&format!("{kind:?}"), mechanism, role);
                AnySocket::pyzmq(&self.runtime, kind, socket, name)
            }
        }
    }
}
