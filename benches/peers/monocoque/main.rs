//! `peer-monocoque`: roles of `peer_common` on the crate `monocoque-rs`, with its tokio runtime.
//!
//! A socket of this crate belongs to the task that drives it, and mostly to one peer. `PushFanOut`, `PullFanIn` and
//! `PubSocket` have many peers, and have to know their number. PUSH and PUB collect messages before they write, as the
//! crate's authors advise for throughput.

use bytes::Bytes;
use monocoque::rt::LocalRuntime;
use monocoque::zmq::{
    PubSocket, PullFanIn, PullSocket, PushFanOut, PushSocket, RepSocket, ReqSocket, SocketOptions, SubSocket,
};
use peer_common::{Kind, Library, Outcome, Socket};

/// The crate.
struct Monocoque;

/// A socket and the frames of its last received message.
struct Peer {
    kind: Kind,
    socket: Joined,
    frames: Vec<Bytes>,
}

/// A socket of the crate: there is none before it is bound or connected.
enum Joined {
    Nothing,
    Pull(PullSocket),
    PullFanIn(PullFanIn),
    Push(PushSocket),
    PushFanOut(PushFanOut),
    Sub(SubSocket),
    Pub(PubSocket),
    Rep(RepSocket),
    Req(ReqSocket),
}

impl Library for Monocoque {
    type Socket = Peer;

    fn socket(&self, kind: Kind) -> Outcome<Peer> {
        Ok(Peer { kind, socket: Joined::Nothing, frames: Vec::new() })
    }
}

fn collecting() -> SocketOptions {
    SocketOptions::default().with_write_coalescing(true)
}

/// Returns the address of a tcp endpoint.
fn address(endpoint: &str) -> Outcome<&str> {
    endpoint.strip_prefix("tcp://").ok_or_else(|| "this library is measured over tcp".into())
}

fn unsupported<T>() -> Outcome<T> {
    Err("a socket without this operation".into())
}

impl Peer {
    /// Receives into `frames`. Returns whether there was a message.
    async fn receive(&mut self) -> Outcome<bool> {
        let frames = &mut self.frames;
        Ok(match &mut self.socket {
            Joined::Pull(socket) => socket.recv_into(frames).await?,
            Joined::Sub(socket) => socket.recv_into(frames).await?,
            Joined::Rep(socket) => socket.recv_into(frames).await?,
            Joined::Req(socket) => socket.recv_into(frames).await?,
            Joined::PullFanIn(socket) => {
                let message = socket.recv().await?;
                let is_there = message.is_some();
                *frames = message.unwrap_or_default();
                is_there
            }
            _ => return unsupported(),
        })
    }
}

impl Socket for Peer {
    async fn bind(&mut self, endpoint: &str) -> Outcome {
        self.bind_for(endpoint, 1).await
    }

    async fn bind_for(&mut self, endpoint: &str, peers: usize) -> Outcome {
        let address = address(endpoint)?;
        self.socket = match self.kind {
            Kind::Pull if peers == 1 => Joined::Pull(PullSocket::bind(address).await?.1),
            Kind::Pull => Joined::PullFanIn(PullFanIn::bind(address, peers).await?.1),
            Kind::Push => {
                Joined::PushFanOut(PushFanOut::bind_with_options(address, peers, collecting()).await?.1)
            }
            Kind::Pub => {
                // As many threads for sending as the other implementations have.
                let mut socket = PubSocket::bind_with_workers_opts(address, 1, collecting()).await?;
                for _ in 0..peers {
                    socket.accept_subscriber().await?;
                }
                Joined::Pub(socket)
            }
            Kind::Rep => Joined::Rep(RepSocket::bind(address).await?.1),
            _ => return unsupported(),
        };
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Outcome {
        let address = address(endpoint)?;
        self.socket = match self.kind {
            Kind::Pull => Joined::Pull(PullSocket::connect(address).await?),
            Kind::Push => Joined::Push(PushSocket::connect_with_options(address, collecting()).await?),
            Kind::Sub => Joined::Sub(SubSocket::connect(endpoint).await?),
            Kind::Req => Joined::Req(ReqSocket::connect(endpoint).await?),
            _ => return unsupported(),
        };
        Ok(())
    }

    async fn subscribe(&mut self, topic: &str) -> Outcome {
        let Joined::Sub(socket) = &mut self.socket else { return unsupported() };
        Ok(socket.subscribe(topic.as_bytes()).await?)
    }

    async fn send(&mut self, body: &Bytes) -> Outcome {
        match &mut self.socket {
            Joined::Push(socket) => socket.send_one(body.clone()).await?,
            Joined::Pub(socket) => socket.send_frames(std::slice::from_ref(body)).await?,
            Joined::Req(socket) => socket.send_one(body.clone()).await?,
            Joined::PushFanOut(socket) => match socket.send_one(body.clone()).await {
                // A worker that has counted enough is gone; the others go on.
                Err(_) if !socket.is_empty() => {}
                sent => sent?,
            },
            _ => return unsupported(),
        }
        Ok(())
    }

    async fn ask(&mut self, _body: &Bytes) -> Outcome {
        unsupported()
    }

    async fn recv(&mut self) -> Outcome<usize> {
        if !self.receive().await? {
            return Err("the peer has closed".into());
        }
        Ok(self.frames.last().map_or(0, Bytes::len))
    }

    async fn echo(&mut self) -> Outcome {
        let Joined::Rep(socket) = &mut self.socket else { return unsupported() };
        Ok(socket.send(std::mem::take(&mut self.frames)).await?)
    }

    async fn flush(mut self) -> Outcome {
        match &mut self.socket {
            Joined::Push(socket) => socket.flush().await?,
            Joined::PushFanOut(socket) => socket.flush().await?,
            _ => {}
        }
        Ok(())
    }
}

fn main() -> Outcome {
    LocalRuntime::new()?.block_on(peer_common::run(Monocoque))
}
