//! Errors of credential files.

use std::io;
use std::path::{Path, PathBuf};

use super::lines::LineError;

/// Error returned for a file that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}{}", path.display(), kind.hint(path))]
pub(crate) struct FileError {
    path: PathBuf,
    kind: FileErrorKind,
}

/// Reason that a file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileErrorKind {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(
        "users other than its owner and group can read it, or users other than its owner change it \
         (mode {mode:03o})"
    )]
    TooReadable { mode: u32 },
    #[error("users other than its owner can change it (mode {mode:03o})")]
    TooWritable { mode: u32 },
    #[error("it belongs to another user (uid {uid}), who can change it: its owner must be this user or root")]
    WrongOwner { uid: u32 },
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("it names no peer, so that none could be admitted")]
    NoPeers,
    #[error("it has no key; --new-key makes one")]
    NoKey,
    #[error("it isn't a certificate: it has no section \"curve\"")]
    NoCertificate,
    #[error("it is a certificate without a public key")]
    NoPublicKey,
    #[error("it is a public certificate: the secret key is in another file, whose name ends in _secret")]
    NoSecretKey,
    #[error("its public key doesn't belong to its secret key")]
    OtherPublicKey,
    #[error("it has the same key as {}", first.display())]
    SameKey { first: PathBuf },
}

impl FileErrorKind {
    pub(super) fn at(self, path: &Path) -> FileError {
        FileError { path: path.into(), kind: self }
    }

    /// Returns a hint on how to mend the file, or an empty text.
    fn hint(&self, path: &Path) -> String {
        match self {
            Self::TooReadable { .. } => format!(": chmod 600 {}", path.display()),
            Self::TooWritable { .. } => format!(": chmod go-w {}", path.display()),
            Self::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "; it isn't overwritten, choose another name".into()
            }
            _ => String::new(),
        }
    }
}
