//! Credentials of a broker program, from the files that its settings name.

mod certificate;
mod error;
mod file;
mod keys;
mod lines;
mod rules;

use std::path::Path;

use enfonet::Options;
use enfonet::auth::{PlainUsers, PublicKey, Security, new_key_pair};

pub(crate) use error::FileError;
use error::FileErrorKind;
use file::{read_secret, write_secret};
use keys::{curve_clients, key_pair};
use rules::Rules;

use crate::settings::SideKeys;

/// Reads the files that the keys of a socket name, and returns its options. With a mechanism, the broker has the
/// server's role, also where it connects.
pub(crate) fn options(keys: &SideKeys) -> Result<Options, FileError> {
    let mut options = Options::default();
    if let Some(path) = &keys.rules {
        let rules = Rules::read(path)?;
        options = options.permissions(move |user| rules.permissions(user));
    }
    if let Some(path) = &keys.plain_users {
        let users = plain_users(path).map_err(|kind| kind.at(path))?;
        return Ok(options.security(Security::PlainServer).authenticator(users));
    }
    let Some(path) = &keys.curve_secret else { return Ok(options) };
    let pair = key_pair(path).map_err(|kind| kind.at(path))?;
    tracing::info!(key = %pair.public(), "the broker's public key");
    let options = options.security(Security::CurveServer { keys: pair });
    let Some(path) = &keys.curve_clients else { return Ok(options) };
    Ok(options.authenticator(curve_clients(path)?))
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
