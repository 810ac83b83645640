//! Files with secrets: nobody but their owner may read or change them. And lists that others may
//! read, but not change.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::Refusal;

/// What is in a file, if it is its owner's alone.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    read(path, 0o077, |mode| Refusal::Open { mode })
}

/// What is in a file that everybody may read: who could change it could let himself in.
pub(super) fn read_list(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    read(path, 0o022, |mode| Refusal::Changeable { mode })
}

fn read(path: &Path, denied: u32, refusal: fn(u32) -> Refusal) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut file = File::open(path)?;
    // Of the file that is open, whatever has taken its name since.
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & denied != 0 {
        return Err(refusal(mode));
    }
    // With room for all of it: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// Makes a file that is its owner's alone, with one line in it.
pub(super) fn write_secret(path: &Path, line: &str) -> Result<(), Refusal> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let line = Zeroizing::new(format!("{line}\n"));
    if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_all()) {
        // Half a secret would only be in the way of the next try.
        let _ = std::fs::remove_file(path);
        return Err(error.into());
    }
    Ok(())
}
