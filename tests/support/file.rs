//! Files for the broker programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

/// Creates a file with a text and a mode, such as `0o600`, and returns its path.
///
/// # Panics
/// When the file can't be created.
#[must_use]
pub fn file(folder: &TempDir, name: &str, mode: u32, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file is written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its owner sets its mode");
    path.to_str().expect("text").into()
}
