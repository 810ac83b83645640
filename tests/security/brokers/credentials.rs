//! A mechanism with what a broker and those who may come in know, and strangers who may not.

use enfonet::Options;
use enfonet::auth::{CurveClients, KeyPair, PlainCredentials, PlainUsers, Security, new_key_pair};
use enfonet_proxy::{Config, Side};
use enfonet_tests::{CurveKeys, PySocket, file};
use tempfile::TempDir;

pub(super) const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// How a broker is locked.
#[derive(Debug)]
pub(super) enum Lock {
    /// For one name and password.
    Plain,
    /// For one client's key.
    Curve { broker: KeyPair, client: KeyPair },
}

/// Both mechanisms; a test that fails shows the last one it began.
pub(super) fn locks() -> impl Iterator<Item = Lock> {
    [Lock::Plain, Lock::curve()].into_iter().inspect(|lock| println!("{lock:?}"))
}

impl Lock {
    pub(super) fn curve() -> Self {
        Self::Curve { broker: new_key_pair(), client: new_key_pair() }
    }

    /// For the sides of a broker.
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

    /// For sockets of ours that may come in.
    pub(super) fn client(&self) -> Options {
        Options::default().security(match self {
            Self::Plain => Security::PlainClient(PlainCredentials::new("ada", "secret").unwrap()),
            Self::Curve { broker, client } => {
                Security::CurveClient { keys: client.clone(), server: *broker.public() }
            }
        })
    }

    /// A broker that is locked on both sides.
    pub(super) fn config(&self) -> Config {
        Config::new(self.side(), self.side())
    }

    fn side(&self) -> Side {
        Side { options: self.server(), ..Side::bound(ANYWHERE.parse().unwrap()) }
    }

    /// Makes a socket of pyzmq's one that may come in.
    pub(super) fn admit(&self, socket: PySocket) -> PySocket {
        match self {
            Self::Plain => socket.plain("ada", "secret"),
            Self::Curve { broker, client } => socket.curve(&broker.public().to_string(), &in_z85(client)),
        }
    }

    /// Waits until a stranger has been told that it isn't let in. In PLAIN libzmq doesn't know an ERROR when it sees
    /// one: for its name, `\x05ERROR`, it has `\x5eRROR`, as C reads that. So ours is an unexpected command to it.
    #[track_caller]
    pub(super) fn await_refusal(&self, stranger: &PySocket) {
        let (event, value) = match self {
            Self::Plain => ("HANDSHAKE_FAILED_PROTOCOL", 0x1000_0001),
            Self::Curve { .. } => ("HANDSHAKE_FAILED_AUTH", 400),
        };
        assert_eq!(stranger.wait_event(event), value);
    }

    /// Makes a socket of pyzmq's one that may not: with a wrong password, or a key that isn't on the list.
    pub(super) fn estrange(&self, socket: PySocket) -> PySocket {
        match self {
            Self::Plain => socket.plain("ada", "guess"),
            Self::Curve { broker, .. } => {
                socket.curve(&broker.public().to_string(), &in_z85(&new_key_pair()))
            }
        }
    }
}

impl Lock {
    /// Returns the arguments that lock a program in the same way, with their files in a folder.
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
