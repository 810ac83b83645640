//! The files that can't be used, and the reasons.

use std::io;
use std::path::{Path, PathBuf};

use super::lines::LineError;

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {refusal}{}", path.display(), refusal.remedy(path))]
pub(crate) struct FileError {
    path: PathBuf,
    refusal: Refusal,
}

/// Reason that a file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("others than its owner and group may read it, or than its owner change it (mode {mode:03o})")]
    Open { mode: u32 },
    #[error("others than its owner may change it (mode {mode:03o})")]
    Changeable { mode: u32 },
    #[error(
        "it belongs to another user (uid {uid}), who could change it: it has to be this user's, or root's"
    )]
    Foreign { uid: u32 },
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("nobody is in it, so that nobody could come in")]
    Nobody,
    #[error("no key is in it; --new-key makes one")]
    NoKey,
}

impl Refusal {
    pub(super) fn of(self, path: &Path) -> FileError {
        FileError { path: path.into(), refusal: self }
    }

    /// Returns what to do about the refusal, where that has to be said.
    fn remedy(&self, path: &Path) -> String {
        match self {
            Self::Open { .. } => format!(": chmod 600 {}", path.display()),
            Self::Changeable { .. } => format!(": chmod go-w {}", path.display()),
            Self::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "; it isn't overwritten, choose another name".into()
            }
            _ => String::new(),
        }
    }
}
