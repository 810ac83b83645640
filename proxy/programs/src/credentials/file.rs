//! Files of credentials, and the permissions that they must have.
//!
//! Secrets: the owner may change them, the group may read them, other users may do neither. Lists: other users may read
//! them, but not change them. The owner must be the broker's user, or root.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use zeroize::Zeroizing;

use super::error::FileErrorKind;

/// Reads a secret. Its group may read it, too: Kubernetes mounts secrets with such permissions.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileErrorKind> {
    read(path, 0o037, |mode| FileErrorKind::TooReadable { mode })
}

/// Reads a list, which only its owner may change: another user could add a peer.
pub(super) fn read_list(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileErrorKind> {
    read(path, 0o022, |mode| FileErrorKind::TooWritable { mode })
}

fn read(
    path: &Path,
    denied: u32,
    kind: fn(u32) -> FileErrorKind,
) -> Result<Zeroizing<Vec<u8>>, FileErrorKind> {
    let mut file = File::open(path)?;
    // Metadata of the open file, not of its name, which may have moved to another file.
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & denied != 0 {
        return Err(kind(mode));
    }
    let uid = metadata.uid();
    if !is_trusted(uid, geteuid().as_raw()) {
        return Err(FileErrorKind::WrongOwner { uid });
    }
    // Room for the whole file: a vector that grows leaves copies of the secret in the heap.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// Returns the files of a directory in the order of their names, without hidden files, and without secret certificates,
/// whose names end in `_secret`. Other users may not replace them.
pub(super) fn list_directory(path: &Path) -> Result<Vec<PathBuf>, FileErrorKind> {
    let mode = path.metadata()?.permissions().mode();
    // In a directory with the sticky bit, as Kubernetes mounts it, others can't replace files, and files that they add
    // belong to them.
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return Err(FileErrorKind::TooWritable { mode: mode & 0o777 });
    }
    let mut files = Vec::new();
    for entry in path.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if path.is_file() && !name.starts_with(b".") && !name.ends_with(b"_secret") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Returns whether only users that could change the broker, too, could change a file of this owner.
const fn is_trusted(owner: u32, own: u32) -> bool {
    owner == own || owner == 0
}

/// Creates a file with one line, which only its owner can read.
pub(super) fn write_secret(path: &Path, line: &str) -> Result<(), FileErrorKind> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let line = Zeroizing::new(format!("{line}\n"));
    if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_all()) {
        // A file with half a secret would make the next attempt fail.
        let _ = std::fs::remove_file(path);
        return Err(error.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_file_is_trusted_if_its_owner_is_the_own_user_or_root() {
        for (owner, own, expected) in [(0, 0, true), (0, 7, true), (7, 7, true), (7, 0, false), (7, 8, false)]
        {
            assert_eq!(is_trusted(owner, own), expected, "{owner} {own}");
        }
    }
}
