//! `peer-libzmq`: roles of `peer_common` on libzmq, which the crate `zmq` builds. `benches/compare/run` has it built
//! with CURVE.

use bytes::Bytes;
use enfonet_measure::keys::{CLIENT_PUBLIC, CLIENT_SECRET, SERVER_PUBLIC, SERVER_SECRET};
use peer_common::{End, Kind, Library, Outcome, Socket};

/// libzmq's context.
struct Libzmq(zmq::Context);

/// A socket and the frames of its last received message. libzmq blocks; nothing else runs on the thread.
struct Peer {
    socket: zmq::Socket,
    frame: zmq::Message,
    /// The frames before the last one.
    before: Vec<zmq::Message>,
}

const fn kind_of(kind: Kind) -> zmq::SocketType {
    match kind {
        Kind::Pull => zmq::PULL,
        Kind::Push => zmq::PUSH,
        Kind::Sub => zmq::SUB,
        Kind::Pub => zmq::PUB,
        Kind::Rep => zmq::REP,
        Kind::Req => zmq::REQ,
        Kind::Router => zmq::ROUTER,
        Kind::Dealer => zmq::DEALER,
        Kind::XSub => zmq::XSUB,
        Kind::XPub => zmq::XPUB,
    }
}

impl Library for Libzmq {
    type Socket = Peer;

    fn socket(&self, kind: Kind) -> Outcome<Peer> {
        let socket = self.0.socket(kind_of(kind))?;
        // The end of the context waits until pushed messages are sent.
        socket.set_linger(if kind == Kind::Push { -1 } else { 0 })?;
        Ok(Peer { socket, frame: zmq::Message::new(), before: Vec::new() })
    }

    async fn proxy(&self, front: (Kind, &str), back: (Kind, &str)) -> Outcome {
        forward([(self.socket(front.0)?, front.1), (self.socket(back.0)?, back.1)])
    }

    async fn curve_proxy(&self, front: (Kind, &str), back: (Kind, &str)) -> Outcome {
        let mut sides = [(self.socket(front.0)?, front.1), (self.socket(back.0)?, back.1)];
        for (side, _) in &mut sides {
            side.encrypt(End::Bind)?;
        }
        forward(sides)
    }
}

/// Forwards messages between two bound sockets, for ever.
fn forward(sides: [(Peer, &str); 2]) -> Outcome {
    for (side, endpoint) in &sides {
        side.socket.bind(endpoint)?;
    }
    let [(front, _), (back, _)] = &sides;
    Ok(zmq::proxy(&front.socket, &back.socket)?)
}

impl Socket for Peer {
    fn encrypt(&mut self, end: End) -> Outcome {
        match end {
            End::Bind => {
                self.socket.set_curve_server(true)?;
                self.socket.set_curve_secretkey(SERVER_SECRET.as_bytes())?;
            }
            End::Connect => {
                self.socket.set_curve_serverkey(SERVER_PUBLIC.as_bytes())?;
                self.socket.set_curve_publickey(CLIENT_PUBLIC.as_bytes())?;
                self.socket.set_curve_secretkey(CLIENT_SECRET.as_bytes())?;
            }
        }
        Ok(())
    }

    async fn bind(&mut self, endpoint: &str) -> Outcome {
        Ok(self.socket.bind(endpoint)?)
    }

    async fn connect(&mut self, endpoint: &str) -> Outcome {
        Ok(self.socket.connect(endpoint)?)
    }

    async fn subscribe(&mut self, topic: &str) -> Outcome {
        Ok(self.socket.set_subscribe(topic.as_bytes())?)
    }

    async fn send(&mut self, body: &Bytes) -> Outcome {
        Ok(self.socket.send(&body[..], 0)?)
    }

    async fn ask(&mut self, body: &Bytes) -> Outcome {
        self.socket.send("", zmq::SNDMORE)?;
        Ok(self.socket.send(&body[..], 0)?)
    }

    async fn recv(&mut self) -> Outcome<usize> {
        self.before.clear();
        self.socket.recv(&mut self.frame, 0)?;
        while self.frame.get_more() {
            self.before.push(std::mem::replace(&mut self.frame, zmq::Message::new()));
            self.socket.recv(&mut self.frame, 0)?;
        }
        Ok(self.frame.len())
    }

    async fn echo(&mut self) -> Outcome {
        for frame in self.before.drain(..) {
            self.socket.send(frame, zmq::SNDMORE)?;
        }
        Ok(self.socket.send(std::mem::replace(&mut self.frame, zmq::Message::new()), 0)?)
    }

    async fn flush(self) -> Outcome {
        // Over ipc, a PULL with a full queue loses unread messages once the other end has closed (libzmq's issue
        // 4660). So this program stays until it is killed.
        match self.socket.get_last_endpoint()? {
            Ok(endpoint) if endpoint.starts_with("ipc:") => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

fn main() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(peer_common::run(Libzmq(zmq::Context::new())))
}
