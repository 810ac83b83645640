//! `peer-rzmq`: roles of `peer_common` on the crate `rzmq`. It has no proxies.

use std::time::Duration;

use bytes::Bytes;
use peer_common::{Kind, Library, Outcome, Socket};
use rzmq::socket::options::SUBSCRIBE;
use rzmq::{Context, Msg, SocketType};

struct Rzmq(Context);

/// A socket and its last received message.
struct Peer {
    socket: rzmq::Socket,
    kind: Kind,
    frames: Vec<Msg>,
}

impl Library for Rzmq {
    type Socket = Peer;

    fn socket(&self, kind: Kind) -> Outcome<Peer> {
        let socket = self.0.socket(match kind {
            Kind::Pull => SocketType::Pull,
            Kind::Push => SocketType::Push,
            Kind::Sub => SocketType::Sub,
            Kind::Pub => SocketType::Pub,
            Kind::Rep => SocketType::Rep,
            Kind::Req => SocketType::Req,
            Kind::Router => SocketType::Router,
            Kind::Dealer => SocketType::Dealer,
            Kind::XSub | Kind::XPub => return Err("this library has neither XSUB nor XPUB".into()),
        })?;
        Ok(Peer { socket, kind, frames: Vec::new() })
    }
}

impl Socket for Peer {
    async fn bind(&mut self, endpoint: &str) -> Outcome {
        Ok(self.socket.bind(endpoint).await?)
    }

    async fn connect(&mut self, endpoint: &str) -> Outcome {
        self.socket.connect(endpoint).await?;
        // rzmq doesn't wait for the peer before it sends.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(())
    }

    async fn subscribe(&mut self, topic: &str) -> Outcome {
        Ok(self.socket.set_option_raw(SUBSCRIBE, topic.as_bytes()).await?)
    }

    async fn send(&mut self, body: &Bytes) -> Outcome {
        Ok(self.socket.send(Msg::from_bytes(body.clone())).await?)
    }

    async fn ask(&mut self, body: &Bytes) -> Outcome {
        // rzmq's DEALER adds the empty frame itself.
        self.send(body).await
    }

    async fn recv(&mut self) -> Outcome<usize> {
        self.frames.clear();
        if matches!(self.kind, Kind::Router | Kind::Dealer) {
            self.frames = self.socket.recv_multipart().await?;
        } else {
            self.frames.push(self.socket.recv().await?);
        }
        Ok(self.frames.last().map_or(0, Msg::size))
    }

    async fn echo(&mut self) -> Outcome {
        let mut frames = std::mem::take(&mut self.frames);
        if self.kind == Kind::Router {
            return Ok(self.socket.send_multipart(frames).await?);
        }
        Ok(self.socket.send(frames.pop().ok_or("nothing was received")?).await?)
    }

    async fn flush(self) -> Outcome {
        // Closing drops queued messages, so this leaves time to send the few that there may be.
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    let outcome = match Context::new() {
        Ok(context) => peer_common::run(Rzmq(context)).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = &outcome {
        eprintln!("peer-rzmq: {error}");
    }
    std::process::exit(outcome.is_err().into());
}
