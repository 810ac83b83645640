//! The files that can't be used, and the reasons.

use std::io;
use std::path::{Path, PathBuf};

use super::lines::LineError;

/// A file that can't be used.
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
    #[error("others than its owner and group may read it, or than its owner change it (mode {mode:03o})")]
    TooReadable { mode: u32 },
    #[error("others than its owner may change it (mode {mode:03o})")]
    TooWritable { mode: u32 },
    #[error(
        "it belongs to another user (uid {uid}), who could change it: it has to be this user's, or root's"
    )]
    WrongOwner { uid: u32 },
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("nobody is in it, so that nobody could come in")]
    NoPeers,
    #[error("no key is in it; --new-key makes one")]
    NoKey,
}

impl FileErrorKind {
    pub(super) fn at(self, path: &Path) -> FileError {
        FileError { path: path.into(), kind: self }
    }

    /// Returns what to do about the kind, where that has to be said.
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
