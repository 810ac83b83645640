//! Unix domain sockets. A socket that a dead program left behind is replaced. Whatever else lies at the path stays there: a
//! live socket (libzmq takes it over silently, and its clients with it), a file, a folder, a symbolic link.

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
const LOCK_INTERVAL: Duration = Duration::from_millis(1);
/// Time after which a folder is bound in without its lock: a program that holds it for so long holds it for another reason.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(1);

/// The file of a bound socket: removed when dropped, unless another has taken its place. (The number of its inode isn't
/// used again before the socket is closed, which is after that.)
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
    /// The folder that was made for it, if one was: it goes too.
    _folder: Option<TempDir>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

pub(super) async fn connect(path: &IpcPath) -> io::Result<UnixStream> {
    match path {
        IpcPath::File(path) => UnixStream::connect(path).await,
        IpcPath::Abstract(name) => UnixStream::connect(unfiled(name)?).await,
        IpcPath::Any => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Binds, and says where; with the file, if there is one.
///
/// # Errors
/// `AddrInUse` where a live socket is, `AlreadyExists` where anything else is, and what the system says.
pub(super) async fn bind(
    path: &IpcPath,
    backlog: u32,
) -> io::Result<(UnixListener, Option<SocketFile>, IpcPath)> {
    match path {
        IpcPath::File(path) => {
            let (listener, file) = bind_file(path.clone(), backlog, None).await?;
            Ok((listener, Some(file), IpcPath::File(path.clone())))
        }
        IpcPath::Abstract(name) => Ok((listen(&unfiled(name)?, backlog)?, None, path.clone())),
        IpcPath::Any => {
            let for_its_owner = Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new().prefix("enfonet-").permissions(for_its_owner).tempdir()?;
            let path = folder.path().join("socket");
            let (listener, file) = bind_file(path.clone(), backlog, Some(folder)).await?;
            Ok((listener, Some(file), IpcPath::File(path)))
        }
    }
}

async fn bind_file(
    path: PathBuf,
    backlog: u32,
    folder: Option<TempDir>,
) -> io::Result<(UnixListener, SocketFile)> {
    // A socket that is bound and doesn't listen yet refuses as a stale one does, and one that was stale a moment ago may
    // have been replaced: so binders look and act one after the other.
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

/// Locks the folder of a path until the guard is dropped, against binders of this crate in any process. `None` where that
/// can't be had: the folder can't be read, its file system has no locks, or another program keeps the lock.
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
        sleep(LOCK_INTERVAL).await;
    }
}

/// Removes a socket that nobody listens on any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    // Of the path itself, not of what a link leads to. Connecting to what is no socket is refused, too.
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    if !is_stale(path) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    std::fs::remove_file(path)
}

fn listen(path: &Path, backlog: u32) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    socket.listen(backlog)
}

/// How the system's calls tell a name from a path.
fn unfiled(name: &str) -> io::Result<PathBuf> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        Ok(format!("\0{name}").into())
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has sockets with a name and no file"))
    }
}

/// Whether a connection is refused: nobody listens behind the socket.
fn is_stale(path: &Path) -> bool {
    let probe = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // A live listener whose backlog is full would make us wait.
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    probe().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_file_is_replaced_and_a_live_one_is_not() {
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
    async fn a_fresh_path_is_in_a_folder_of_its_own_which_goes_with_it() {
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
    async fn an_abstract_name_is_taken_as_long_as_somebody_listens() {
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
