//! Clients and workers of both libraries behind one interface.

use std::cell::{Cell, RefCell};
use std::thread::JoinHandle;
use std::time::Duration;

use enfonet::peer::PeerId;
use enfonet::socket::Request;
use enfonet::{Dealer, Options, Rep, Req, Router};
use enfonet_tests::{LIBRARIES, LibZmq, Library, Runtime, frames, ours, text, theirs};

/// Libraries of a client and of a worker, and the transport between them and the broker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairing {
    pub(crate) client: Library,
    pub(crate) worker: Library,
    pub(crate) transport: &'static str,
}

/// Returns every pairing, and prints each, so that a failing test shows its pairing.
pub(crate) fn pairings() -> impl Iterator<Item = Pairing> {
    let of = |transport| {
        LIBRARIES
            .into_iter()
            .flat_map(move |client| LIBRARIES.map(|worker| Pairing { client, worker, transport }))
    };
    ["tcp", "ipc"].into_iter().flat_map(of).inspect(|pairing| println!("{pairing:?}"))
}

/// Runtime and libzmq context of a test's sockets.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) runtime: Runtime,
    pub(crate) libzmq: LibZmq,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns a REQ, DEALER, REP or ROUTER socket that is connected to an endpoint.
    pub(crate) fn peer(&self, library: Library, kind: zmq::SocketType, endpoint: &str) -> Peer<'_> {
        self.named_peer(library, kind, "", endpoint)
    }

    /// Returns a REQ, DEALER, REP or ROUTER socket with an identity, connected to an endpoint.
    pub(crate) fn named_peer(
        &self,
        library: Library,
        kind: zmq::SocketType,
        identity: &'static str,
        endpoint: &str,
    ) -> Peer<'_> {
        macro_rules! ours {
            ($kind:ident $(, $more:expr)?) => {{
                let socket = enfonet::$kind::with_options(Options::default().identity(identity));
                let _guard = self.runtime.enter();
                socket.connect(endpoint).unwrap();
                Socket::$kind(socket $(, $more)?)
            }};
        }
        let socket = match (library, kind) {
            (Library::Libzmq, _) => {
                let socket = self.libzmq.socket(kind);
                if !identity.is_empty() {
                    socket.set_identity(identity.as_bytes()).unwrap();
                }
                socket.connect(endpoint).unwrap();
                Socket::Libzmq(socket, RefCell::default())
            }
            (Library::Ours, zmq::REQ) => ours!(Req),
            (Library::Ours, zmq::DEALER) => ours!(Dealer),
            (Library::Ours, zmq::REP) => ours!(Rep, RefCell::default()),
            (Library::Ours, _) => ours!(Router, Cell::default()),
        };
        Peer { socket, runtime: &self.runtime }
    }

    /// Starts a REP worker that replies on its own thread until it is dropped.
    pub(crate) fn server(&self, library: Library, endpoint: &str, answer: Answer) -> Server {
        match library {
            Library::Libzmq => self.libzmq_server(endpoint, answer),
            Library::Ours => self.server_of_ours(endpoint, answer),
        }
    }

    fn libzmq_server(&self, endpoint: &str, answer: Answer) -> Server {
        let name = format!("inproc://{:p}-{}", self, fresh());
        let (control, _) = self.libzmq.bound(zmq::PAIR, &name);
        let stop = self.libzmq.connected(zmq::PAIR, &name);
        let worker = self.libzmq.connected(zmq::REP, endpoint);
        let thread = std::thread::spawn(move || {
            loop {
                let mut items = [worker.as_poll_item(zmq::POLLIN), stop.as_poll_item(zmq::POLLIN)];
                zmq::poll(&mut items, -1).unwrap();
                if items[1].is_readable() {
                    return;
                }
                let request = worker.recv_multipart(0).unwrap();
                worker.send_multipart(answer(request), 0).unwrap();
            }
        });
        Server::Libzmq(control, Some(thread))
    }

    fn server_of_ours(&self, endpoint: &str, answer: Answer) -> Server {
        let worker = Rep::new();
        let _guard = self.runtime.enter();
        worker.connect(endpoint).unwrap();
        Server::Ours(self.runtime.spawn(async move {
            while let Ok(request) = worker.recv().await {
                let reply = answer(theirs(request.message()));
                let _ = request.reply(ours(&reply));
            }
        }))
    }
}

/// A function from a request to its reply.
pub(crate) type Answer = Box<dyn Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>> + Send>;

pub(crate) enum Server {
    Libzmq(zmq::Socket, Option<JoinHandle<()>>),
    Ours(tokio::task::JoinHandle<()>),
}

impl Drop for Server {
    fn drop(&mut self) {
        match self {
            Self::Libzmq(control, thread) => {
                let _ = control.send("stop", 0);
                let _ = thread.take().map(JoinHandle::join);
            }
            Self::Ours(task) => task.abort(),
        }
    }
}

enum Socket {
    /// A ROUTER of libzmq, with the first frame of the last message: the peer.
    Libzmq(zmq::Socket, RefCell<Vec<u8>>),
    Req(Req),
    Dealer(Dealer),
    Rep(Rep, RefCell<Option<Request>>),
    Router(Router, Cell<Option<PeerId>>),
}

/// A socket; a ROUTER sends to the peer that it received from last.
pub(crate) struct Peer<'w> {
    socket: Socket,
    runtime: &'w Runtime,
}

impl Peer<'_> {
    pub(crate) fn send<T: AsRef<[u8]>>(&self, message: &[T]) {
        let run = self.runtime;
        match &self.socket {
            Socket::Libzmq(socket, peer) => {
                let mut message = frames(message);
                if socket.get_socket_type() == Ok(zmq::ROUTER) {
                    message.insert(0, peer.borrow().clone());
                }
                socket.send_multipart(message, 0).unwrap();
            }
            Socket::Req(socket) => run.run(socket.send(ours(message))).unwrap(),
            Socket::Dealer(socket) => run.run(socket.send(ours(message))).unwrap(),
            Socket::Rep(_, request) => request.take().expect("a request").reply(ours(message)).unwrap(),
            Socket::Router(socket, peer) => {
                run.run(socket.send_to(peer.get().expect("a peer"), ours(message))).unwrap();
            }
        }
    }

    pub(crate) fn recv(&self) -> Vec<Vec<u8>> {
        let run = self.runtime;
        match &self.socket {
            Socket::Libzmq(socket, peer) => {
                let mut message = socket.recv_multipart(0).unwrap();
                if socket.get_socket_type() == Ok(zmq::ROUTER) {
                    peer.replace(message.remove(0));
                }
                message
            }
            Socket::Req(socket) => theirs(&run.run(socket.recv()).unwrap()),
            Socket::Dealer(socket) => theirs(&run.run(socket.recv()).unwrap()),
            Socket::Rep(socket, last) => {
                let request = run.run(socket.recv()).unwrap();
                let message = theirs(request.message());
                last.replace(Some(request));
                message
            }
            Socket::Router(socket, last) => {
                let (peer, message) = run.run(socket.recv()).unwrap();
                last.set(Some(peer));
                theirs(&message)
            }
        }
    }

    /// Returns the next message of a DEALER, if one arrives within this time.
    pub(crate) fn recv_within(&self, time: Duration) -> Option<Vec<Vec<u8>>> {
        match &self.socket {
            Socket::Libzmq(socket, _) => {
                let readable = socket.poll(zmq::POLLIN, i64::try_from(time.as_millis()).unwrap()).unwrap();
                (readable > 0).then(|| self.recv())
            }
            Socket::Dealer(socket) => {
                let received = self.runtime.run(async { tokio::time::timeout(time, socket.recv()).await });
                Some(theirs(&received.ok()?.unwrap()))
            }
            _ => unreachable!("a DEALER"),
        }
    }

    #[track_caller]
    pub(crate) fn expect<T: AsRef<[u8]>>(&self, message: &[T]) {
        assert_eq!(text(&self.recv()), text(message));
    }
}

/// Returns a unique number.
fn fresh() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
