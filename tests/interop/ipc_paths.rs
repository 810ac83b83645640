//! Paths of ipc endpoints: files that exist before the bind, and files that remain at the end.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfonet::error::BindError;
use enfonet::{Dealer, Endpoint};
use enfonet_tests::{LibZmq, Runtime, ipc};
use tempfile::TempDir;

/// Returns a folder, the path of a socket that doesn't exist yet, and its endpoint.
fn vacant() -> (TempDir, PathBuf, Endpoint) {
    let (folder, at) = ipc();
    let path = folder.path().join("socket");
    (folder, path, at.parse().unwrap())
}

/// Leaves a stale socket file, as a killed program does.
fn leave_stale(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
}

#[track_caller]
fn assert_not_bound(runtime: &Runtime, at: &Endpoint) {
    let _guard = runtime.enter();
    let bound = runtime.run(Dealer::new().bind(at));
    assert!(matches!(&bound, Err(BindError::NotASocket(endpoint)) if endpoint == at), "{bound:?}");
}

#[test]
fn a_file_or_folder_that_is_no_socket_is_not_removed() {
    let runtime = Runtime::new();
    let (_folder, path, at) = vacant();
    fs::write(&path, "precious").unwrap();
    assert_not_bound(&runtime, &at);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_not_bound(&runtime, &at);
    assert!(path.is_dir());
}

#[test]
fn a_symbolic_link_is_not_removed_whatever_its_target() {
    let runtime = Runtime::new();
    let (folder, path, at) = vacant();
    let targets = ["nothing", "file", "stale", "live"].map(|name| folder.path().join(name));
    let [_, file, stale, live] = &targets;
    fs::write(file, "precious").unwrap();
    leave_stale(stale);
    let _listener = UnixListener::bind(live).unwrap();
    for target in &targets {
        symlink(target, &path).unwrap();
        let was_there = target.exists();
        assert_not_bound(&runtime, &at);
        assert_eq!(&fs::read_link(&path).unwrap(), target);
        assert_eq!(target.exists(), was_there);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_datagram_socket_in_use_is_not_removed() {
    let runtime = Runtime::new();
    let (_folder, path, at) = vacant();
    let (taken, sender) = (UnixDatagram::bind(&path).unwrap(), UnixDatagram::unbound().unwrap());
    assert!(
        matches!(runtime.run(Dealer::new().bind(&at)), Err(BindError::InUse(endpoint)) if endpoint == at)
    );
    sender.send_to(b"still there", &path).unwrap();
    assert_eq!(taken.recv(&mut [0; 20]).unwrap(), 11);
}

#[test]
fn a_listener_with_a_full_backlog_is_in_use() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (_folder, path, at) = vacant();
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let address = socket2::SockAddr::unix(&path).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let client = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        match client.connect(&address) {
            Ok(()) => waiting.push(client),
            Err(error) => break assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    assert!(matches!(runtime.run(Dealer::new().bind(&at)), Err(BindError::InUse(_))));
    assert!(path.exists());
}

#[test]
fn one_of_two_concurrent_binds_replaces_a_stale_socket() {
    let (_folder, path, at) = vacant();
    let (step, started) = (Barrier::new(2), AtomicUsize::new(0));
    let bound = [const { AtomicUsize::new(0) }; 500];
    // Nothing panics here, or the other thread would wait for ever.
    let bind_again_and_again = || {
        let runtime = Runtime::on_one_thread();
        let _guard = runtime.enter();
        for (round, bound) in bound.iter().enumerate() {
            if step.wait().is_leader() {
                leave_stale(&path);
            }
            let dealer = Dealer::new();
            step.wait();
            // The last thread to leave a barrier is late by more than a bind takes, so the other thread spins.
            started.fetch_add(1, Ordering::Relaxed);
            while started.load(Ordering::Relaxed) < 2 * (round + 1) {
                std::hint::spin_loop();
            }
            if runtime.run(dealer.bind(&at)).is_ok() {
                bound.fetch_add(1, Ordering::Relaxed);
            }
            // Both threads have tried before the first socket is dropped.
            step.wait();
            let _ = runtime.run(dealer.close(Duration::ZERO));
            let _ = fs::remove_file(&path);
        }
    };
    std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(bind_again_and_again)).map(drop));
    assert_eq!(bound.map(AtomicUsize::into_inner), [1; 500]);
}

#[test]
fn a_socket_binds_in_a_folder_that_another_program_locks() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (folder, path, at) = vacant();
    let lock = nix::fcntl::Flock::lock(
        fs::File::open(folder.path()).unwrap(),
        nix::fcntl::FlockArg::LockExclusiveNonblock,
    )
    .unwrap();
    leave_stale(&path);
    let dealer = Dealer::new();
    runtime.run(dealer.bind(&at)).unwrap();
    UnixStream::connect(&path).unwrap();
    drop(lock);
}

#[test]
fn a_file_that_replaced_our_socket_is_not_removed_at_the_end() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    for is_closed in [true, false] {
        let end = |dealer: &Dealer, at: &Endpoint| {
            if is_closed {
                runtime.run(dealer.close(Duration::ZERO));
            } else {
                dealer.unbind(at).unwrap();
            }
        };
        let (_folder, path, at) = vacant();
        let dealer = Dealer::new();
        runtime.run(dealer.bind(&at)).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        end(&dealer, &at);
        assert_eq!(fs::read(&path).unwrap(), b"precious");

        // libzmq takes a path even from a live socket.
        let (_folder, path, at) = vacant();
        let dealer = Dealer::new();
        runtime.run(dealer.bind(&at)).unwrap();
        let (server, _) = libzmq.bound(zmq::PULL, &at.to_string());
        end(&dealer, &at);
        assert!(path.exists());
        let client = libzmq.connected(zmq::PUSH, &at.to_string());
        client.send("to libzmq", 0).unwrap();
        assert_eq!(server.recv_bytes(0).unwrap(), b"to libzmq");
    }
}
