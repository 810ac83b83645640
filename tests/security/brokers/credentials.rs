//! Credentials of a broker and of its known peers, with PLAIN and CURVE, and those of unknown peers.

use enfonet::Options;
use enfonet::auth::{CurveClients, KeyPair, PlainCredentials, PlainUsers, Security, new_key_pair};
use enfonet_proxy::{Config, Side};
use enfonet_tests::{CurveKeys, PySocket, file};
use tempfile::TempDir;

pub(super) const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// Credentials that a broker asks for.
#[derive(Debug)]
pub(super) enum Lock {
    /// One name and password.
    Plain,
    /// Key of one client.
    Curve { broker: KeyPair, client: KeyPair },
}

/// Returns both mechanisms, and prints each, so that a failing test shows its mechanism.
pub(super) fn locks() -> impl Iterator<Item = Lock> {
    [Lock::Plain, Lock::curve()].into_iter().inspect(|lock| println!("{lock:?}"))
}

impl Lock {
    pub(super) fn curve() -> Self {
        Self::Curve { broker: new_key_pair(), client: new_key_pair() }
    }

    /// Returns the options for the sides of a broker.
    pub(super) fn server(&self) -> Options {
        let options = Options::default();
        match self {
            Self::Plain => {
                options.security(Security::PlainServer).authenticator(PlainUsers::new().user("ada", "secret"))
            }
            Self::Curve { broker, client } => options
                .security(Security::CurveServer { keys: broker.clone() })
                .authenticator(CurveClients::new().client(*client.public())),
        }
    }

    /// Returns the options for sockets of ours with valid credentials.
    pub(super) fn client(&self) -> Options {
        Options::default().security(match self {
            Self::Plain => Security::PlainClient(PlainCredentials::new("ada", "secret").unwrap()),
            Self::Curve { broker, client } => {
                Security::CurveClient { keys: client.clone(), server: *broker.public() }
            }
        })
    }

    /// Starts a broker with these credentials on both sides.
    pub(super) fn config(&self) -> Config {
        Config::new(self.side(), self.side())
    }

    fn side(&self) -> Side {
        Side { options: self.server(), ..Side::bound(ANYWHERE.parse().unwrap()) }
    }

    /// Gives a socket of pyzmq's valid credentials.
    pub(super) fn admit(&self, socket: PySocket) -> PySocket {
        match self {
            Self::Plain => socket.plain("ada", "secret"),
            Self::Curve { broker, client } => socket.curve(&broker.public().to_string(), &in_z85(client)),
        }
    }

    /// Waits until an unknown peer has seen its rejection. libzmq's PLAIN doesn't recognise ERROR: its source has
    /// `"\x05ERROR"`, which C reads as `\x5eRROR`. So our ERROR is an unexpected command to it.
    #[track_caller]
    pub(super) fn await_rejection(&self, unauthorized: &PySocket) {
        let (event, value) = match self {
            Self::Plain => ("HANDSHAKE_FAILED_PROTOCOL", 0x1000_0001),
            Self::Curve { .. } => ("HANDSHAKE_FAILED_AUTH", 400),
        };
        assert_eq!(unauthorized.wait_event(event), value);
    }

    /// Gives a socket of pyzmq's invalid credentials: a wrong password, or a key that isn't on the list.
    pub(super) fn unauthorize(&self, socket: PySocket) -> PySocket {
        match self {
            Self::Plain => socket.plain("ada", "guess"),
            Self::Curve { broker, .. } => {
                socket.curve(&broker.public().to_string(), &in_z85(&new_key_pair()))
            }
        }
    }
}

impl Lock {
    /// Returns the arguments that give a program the same credentials, and the folder of their files.
    pub(super) fn arguments(&self, folder: &TempDir) -> Vec<String> {
        match self {
            Self::Plain => {
                vec![
                    "--plain-users".into(),
                    file(folder, "users", 0o600, "# who may come in\n\nada:secret\n"),
                ]
            }
            Self::Curve { broker, client } => {
                let secret = file(folder, "key", 0o600, &broker.secret().to_z85());
                let clients = file(folder, "clients", 0o644, &format!("# these\n{} Ada\n", client.public()));
                vec!["--curve-secret".into(), secret, "--curve-clients".into(), clients]
            }
        }
    }
}

fn in_z85(keys: &KeyPair) -> CurveKeys {
    CurveKeys { public: keys.public().to_string(), secret: keys.secret().to_z85().to_string() }
}
