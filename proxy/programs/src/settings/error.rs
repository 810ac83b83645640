//! Errors of settings.

use std::io;
use std::path::PathBuf;

/// Error returned for settings that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file can't be read.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    /// The text of the file is wrong at a position, counted from 1.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Text { path: PathBuf, line: usize, column: usize, message: String },
    /// Values don't fit together.
    #[error("{0}")]
    Combination(String),
}
