//! Credentials of a broker program, from the files that its arguments name.

mod certificate;
mod error;
mod file;
mod keys;
mod lines;

use std::path::{Path, PathBuf};

use enfonet::Options;
use enfonet::auth::{PlainUsers, PublicKey, Security, new_key_pair};

pub(crate) use error::FileError;
use error::FileErrorKind;
use file::{read_secret, write_secret};
use keys::{curve_clients, key_pair};

/// Arguments that name files of credentials. Without any, the broker admits every peer. With some, it has the
/// server's role on both sides, also where it connects.
#[derive(Debug, clap::Args)]
pub(crate) struct CredentialFiles {
    /// Admit only peers that log in with PLAIN as a user of this file, on both sides; a line name:password each
    #[arg(long, value_name = "FILE", conflicts_with_all = ["curve_secret", "curve_clients"])]
    plain_users: Option<PathBuf>,
    /// Encrypt with CURVE, on both sides; the file has the broker's secret key in Z85, or is a secret certificate of
    /// czmq or pyzmq. Without --curve-clients every peer that knows the public key is admitted
    #[arg(long, value_name = "FILE")]
    curve_secret: Option<PathBuf>,
    /// Admit only peers whose public key is in this file: a line each, in Z85; a space and a user id may follow. Or a
    /// public certificate of czmq or pyzmq, or a directory of them: the user id is the name in the metadata, or else
    /// that of the file
    #[arg(long, value_name = "FILE", requires = "curve_secret")]
    curve_clients: Option<PathBuf>,
}

impl CredentialFiles {
    /// Returns whether every peer that connects may use the broker.
    pub(crate) const fn admits_everybody(&self) -> bool {
        self.plain_users.is_none() && self.curve_secret.is_none()
    }

    /// Reads the files, and returns the options for each side of the broker.
    pub(crate) fn options(&self) -> Result<Options, FileError> {
        let options = Options::default();
        if let Some(path) = &self.plain_users {
            let users = plain_users(path).map_err(|kind| kind.at(path))?;
            return Ok(options.security(Security::PlainServer).authenticator(users));
        }
        let Some(path) = &self.curve_secret else { return Ok(options) };
        let keys = key_pair(path).map_err(|kind| kind.at(path))?;
        tracing::info!(key = %keys.public(), "the broker's public key");
        let options = options.security(Security::CurveServer { keys });
        let Some(path) = &self.curve_clients else { return Ok(options) };
        Ok(options.authenticator(curve_clients(path)?))
    }
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
