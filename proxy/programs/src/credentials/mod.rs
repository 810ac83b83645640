//! Credentials of a broker program, from the files that its settings name.

mod certificate;
mod error;
mod file;
mod keys;
mod lines;
mod live;
mod rules;
mod users;

use std::path::Path;
use std::sync::Arc;

use enfonet::Options;
use enfonet::auth::{KeyPair, PlainUsers, PublicKey, Security, new_key_pair};

pub(crate) use error::FileError;
use error::FileErrorKind;
use file::{read_secret, write_secret};
use keys::{curve_clients, key_pair};
pub(crate) use live::Live;
pub(crate) use rules::Rules;
pub(crate) use users::Users;

use crate::settings::SideKeys;

/// Mechanism of a socket. With PLAIN and CURVE, the broker has the server's role, also where it connects.
#[derive(Clone, Debug)]
pub(crate) enum Mechanism {
    Null,
    Plain,
    Curve(KeyPair),
}

impl Mechanism {
    /// Returns whether a socket with this mechanism may go on with the other: also the key is the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Plain, Self::Plain) => true,
            (Self::Curve(keys), Self::Curve(other)) => keys.public() == other.public(),
            _ => false,
        }
    }
}

/// Mechanism, users and rules of a socket, from the files that its keys name.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) mechanism: Mechanism,
    /// Users with PLAIN and CURVE. With NULL, everybody may use the socket.
    pub(crate) users: Option<Arc<Users>>,
    pub(crate) rules: Option<Arc<Rules>>,
}

impl Credentials {
    /// Reads and checks the files.
    pub(crate) fn read(keys: &SideKeys) -> Result<Self, FileError> {
        let rules = keys.rules.as_deref().map(Rules::read).transpose()?.map(Arc::new);
        let (mechanism, users) = if let Some(path) = &keys.plain_users {
            (Mechanism::Plain, Some(Users::Plain(plain_users(path).map_err(|kind| kind.at(path))?)))
        } else if let Some(path) = &keys.curve_secret {
            let users = match &keys.curve_clients {
                Some(path) => Users::Curve(curve_clients(path)?),
                None => Users::Everybody,
            };
            (Mechanism::Curve(key_pair(path).map_err(|kind| kind.at(path))?), Some(users))
        } else {
            (Mechanism::Null, None)
        };
        Ok(Self { mechanism, users: users.map(Arc::new), rules })
    }
}

/// Returns the options of a socket with a mechanism, and with users and rules that can be replaced.
pub(crate) fn options(
    mechanism: &Mechanism,
    users: Option<Live<Users>>,
    rules: Option<Live<Rules>>,
) -> Options {
    let mut options = Options::default();
    match mechanism {
        Mechanism::Null => {}
        Mechanism::Plain => options = options.security(Security::PlainServer),
        Mechanism::Curve(keys) => {
            tracing::info!(key = %keys.public(), "the broker's public key");
            options = options.security(Security::CurveServer { keys: keys.clone() });
        }
    }
    if let Some(users) = users {
        options = options.authenticator(users);
    }
    if let Some(rules) = rules {
        options = options.permissions(move |user| rules.current().permissions(user));
    }
    options
}

/// Creates a key pair, writes the secret key to a new file, and returns the public key.
pub(crate) fn new_key(path: &Path) -> Result<PublicKey, FileError> {
    let keys = new_key_pair();
    write_secret(path, &keys.secret().to_z85()).map_err(|kind| kind.at(path))?;
    Ok(*keys.public())
}

fn plain_users(path: &Path) -> Result<PlainUsers, FileErrorKind> {
    let users = lines::users(&read_secret(path)?)?;
    if users.is_empty() {
        return Err(FileErrorKind::NoPeers);
    }
    Ok(users.iter().fold(PlainUsers::new(), |users, login| {
        users.user(login.username().clone(), login.password().expose())
    }))
}
