//! `peer-omq`: roles of `peer_common` on the crate `omq-tokio`.

use std::time::Instant;

use bytes::Bytes;
use enfonet_measure::Latencies;
use omq_tokio::proxy::Proxy;
use omq_tokio::{Context, Message, Options, SocketType};
use peer_common::{Kind, Library, Outcome, Socket};

struct Omq(Context);

/// A socket and its last received message.
struct Peer {
    socket: omq_tokio::Socket,
    message: Message,
}

const fn kind_of(kind: Kind) -> SocketType {
    match kind {
        Kind::Pull => SocketType::Pull,
        Kind::Push => SocketType::Push,
        Kind::Sub => SocketType::Sub,
        Kind::Pub => SocketType::Pub,
        Kind::Rep => SocketType::Rep,
        Kind::Req => SocketType::Req,
        Kind::Router => SocketType::Router,
        Kind::Dealer => SocketType::Dealer,
        Kind::XSub => SocketType::XSub,
        Kind::XPub => SocketType::XPub,
    }
}

impl Library for Omq {
    type Socket = Peer;

    fn socket(&self, kind: Kind) -> Outcome<Peer> {
        let socket = self.0.socket(kind_of(kind), Options::default());
        Ok(Peer { socket, message: Message::new() })
    }

    async fn proxy(&self, front: (Kind, &str), back: (Kind, &str)) -> Outcome {
        let (mut frontend, mut backend) = (self.socket(front.0)?, self.socket(back.0)?);
        frontend.bind(front.1).await?;
        backend.bind(back.1).await?;
        Proxy::new(frontend.socket, backend.socket).run().await?;
        Ok(())
    }
}

impl Socket for Peer {
    async fn bind(&mut self, endpoint: &str) -> Outcome {
        self.socket.bind(endpoint).await?;
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Outcome {
        self.socket.connect(endpoint).await?;
        Ok(())
    }

    async fn subscribe(&mut self, topic: &str) -> Outcome {
        self.socket.subscribe(topic.as_bytes().to_vec()).await?;
        Ok(())
    }

    async fn send(&mut self, body: &Bytes) -> Outcome {
        Ok(self.socket.send(Message::from_slice(body)).await?)
    }

    async fn ask(&mut self, body: &Bytes) -> Outcome {
        Ok(self.socket.send(Message::multipart([Bytes::new(), body.clone()])).await?)
    }

    async fn recv(&mut self) -> Outcome<usize> {
        self.message = self.socket.recv().await?;
        let last = self.message.len().checked_sub(1).ok_or("a message without frames")?;
        Ok(self.message.get(last).map_or(0, <[u8]>::len))
    }

    async fn echo(&mut self) -> Outcome {
        Ok(self.socket.send(std::mem::take(&mut self.message)).await?)
    }

    async fn flush(self) -> Outcome {
        Ok(self.socket.close_with_linger(None).await?)
    }
}

/// Number of requests before the measurement.
const WARM_UP_REQUESTS: usize = 1000;

/// Echoes requests for ever, by a blocking socket that is bound.
fn blocking_rep(endpoint: &str) -> Outcome {
    let socket = Context::new().blocking_socket(SocketType::Rep, Options::default());
    socket.bind(endpoint)?;
    loop {
        socket.send(socket.recv()?)?;
    }
}

/// Sends requests one after the other by a blocking socket, and prints their times.
fn blocking_req(endpoint: &str, size: usize, count: usize) -> Outcome {
    let socket = Context::new().blocking_socket(SocketType::Req, Options::default());
    socket.connect(endpoint)?;
    let body = vec![b'x'; size];
    let mut latencies = Latencies::of(count);
    for request in 0..WARM_UP_REQUESTS + count {
        let begun = Instant::now();
        socket.send(Message::from_slice(&body))?;
        socket.recv()?;
        if request >= WARM_UP_REQUESTS {
            latencies.add(begun.elapsed());
        }
    }
    latencies.report();
    Ok(())
}

/// Runs the role that the arguments name. Only the blocking roles aren't those of `peer_common`.
fn run() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["blocking-rep", endpoint, "bind"] => blocking_rep(endpoint),
        ["blocking-req", endpoint, size, count] => blocking_req(endpoint, size.parse()?, count.parse()?),
        _ => {
            let context = Context::new();
            context.clone().block_on(peer_common::run(Omq(context)))
        }
    }
}

fn main() {
    let outcome = run();
    if let Err(error) = &outcome {
        eprintln!("peer-omq: {error}");
    }
    std::process::exit(outcome.is_err().into());
}
