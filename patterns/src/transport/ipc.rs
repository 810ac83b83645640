//! Unix domain sockets (ipc).
//!
//! A socket file that a dead program left behind is replaced. Anything else at the path stays: a live socket (libzmq
//! takes it over silently, and its clients with it), a file, a folder, a symbolic link.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::time::{Instant, sleep};

use crate::endpoint::IpcPath;

/// Time between two attempts to lock a folder. A binder holds the lock for some ten microseconds.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(1);
/// Time after which a socket is bound without the lock of its folder: a program that holds the lock for so long isn't
/// binding.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(1);

/// The file of a bound socket. Dropping it removes the file, unless another file has taken its place. (Its inode
/// number can't be used again before that: the socket is still open.)
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
    /// Temporary folder that was created for the file, if any. It is removed after the file.
    _folder: Option<TempDir>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Returns the device and inode number of a path.
fn inode(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

/// Connects to a path or an abstract name.
pub(super) async fn connect(path: &IpcPath) -> io::Result<UnixStream> {
    match path {
        IpcPath::File(path) => UnixStream::connect(path).await,
        IpcPath::Abstract(name) => UnixStream::connect(abstract_path(name)?).await,
        IpcPath::Any => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Binds a path or an abstract name. Returns the listener, its file if it has any, and the path.
///
/// # Errors
/// `AddrInUse` if a socket listens at the path, `AlreadyExists` if the path is another kind of file, or the system's
/// error.
pub(super) async fn bind(
    path: &IpcPath,
    backlog: u32,
) -> io::Result<(UnixListener, Option<SocketFile>, IpcPath)> {
    match path {
        IpcPath::File(path) => {
            let (listener, file) = bind_file(path.clone(), backlog, None).await?;
            Ok((listener, Some(file), IpcPath::File(path.clone())))
        }
        IpcPath::Abstract(name) => Ok((listen(&abstract_path(name)?, backlog)?, None, path.clone())),
        IpcPath::Any => {
            let owner_only = Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new().prefix("enfonet-").permissions(owner_only).tempdir()?;
            let path = folder.path().join("socket");
            let (listener, file) = bind_file(path.clone(), backlog, Some(folder)).await?;
            Ok((listener, Some(file), IpcPath::File(path)))
        }
    }
}

/// Binds a path, and replaces a stale socket there.
async fn bind_file(
    path: PathBuf,
    backlog: u32,
    folder: Option<TempDir>,
) -> io::Result<(UnixListener, SocketFile)> {
    // A socket that is bound and doesn't listen yet looks stale, since the system refuses connections to it. And a
    // socket that was stale a moment ago may have been replaced. So the check and the replacement are done under a
    // lock.
    let _lock = lock(&path).await;
    let listener = match listen(&path, backlog) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(&path)?;
            listen(&path, backlog)?
        }
        outcome => outcome?,
    };
    let inode = inode(&path)?;
    Ok((listener, SocketFile { path, inode, _folder: folder }))
}

/// Locks the folder of a path until the guard is dropped, against other binds by this crate, in any process. Returns
/// `None` if the folder can't be read, its file system has no locks, or another program keeps the lock.
async fn lock(path: &Path) -> Option<Flock<File>> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = File::open(folder).ok()?;
    let begin = Instant::now();
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((unlocked, Errno::EWOULDBLOCK)) if begin.elapsed() < MAX_LOCK_WAIT => file = unlocked,
            Err(_) => return None,
        }
        sleep(LOCK_RETRY_INTERVAL).await;
    }
}

/// Removes a socket file if no socket listens behind it.
fn remove_stale(path: &Path) -> io::Result<()> {
    // The type of the path itself, not of the target of a link. Checked first, since connections to any other file are
    // refused too.
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    if !is_stale(path) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    std::fs::remove_file(path)
}

/// Creates a socket that is bound to the path and listens.
fn listen(path: &Path, backlog: u32) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    socket.listen(backlog)
}

/// Returns the path that stands for an abstract name: with a leading zero byte.
fn abstract_path(name: &str) -> io::Result<PathBuf> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        Ok(format!("\0{name}").into())
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has sockets with a name and no file"))
    }
}

/// Returns whether no socket listens behind the file: the system refuses a connection.
fn is_stale(path: &Path) -> bool {
    let probe = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // Otherwise `connect` would block at a live listener with a full backlog.
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    probe().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_file_is_replaced_and_a_socket_file_in_use_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves the file");
        let at = IpcPath::File(path.clone());
        let (listener, file, _) = bind(&at, 10).await.unwrap();
        assert_eq!(bind(&at, 10).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop((listener, file));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_generated_path_has_its_own_folder_that_is_removed_with_it() {
        let (_listener, file, at) = bind(&IpcPath::Any, 10).await.unwrap();
        let IpcPath::File(path) = at else { panic!("a file") };
        let folder = path.parent().unwrap().to_path_buf();
        assert!(folder.starts_with(std::env::temp_dir()) && path.exists());
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        let (_other, _, other) = bind(&IpcPath::Any, 10).await.unwrap();
        assert_ne!(other, IpcPath::File(path));
        drop(file);
        assert!(!folder.exists());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_abstract_name_is_in_use_as_long_as_a_socket_listens() {
        let at = IpcPath::Abstract(format!("enfonet test {}", std::process::id()));
        let (listener, file, bound) = bind(&at, 10).await.unwrap();
        assert!(file.is_none() && bound == at);
        connect(&at).await.unwrap();
        assert_eq!(bind(&at, 10).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert_eq!(connect(&at).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        bind(&at, 10).await.unwrap();
    }
}
