//! `peer-zmqrs`: roles of `peer_common` on the crate `zeromq`.

use std::time::Duration;

use bytes::Bytes;
use peer_common::{Kind, Library, Outcome};
use zeromq::{Socket as _, SocketRecv, SocketSend, ZmqMessage};

struct Zmqrs;

/// A socket and its last received message. In zmq.rs each kind is a type of its own.
struct Peer {
    socket: Socket,
    message: Option<ZmqMessage>,
}

enum Socket {
    Pull(zeromq::PullSocket),
    Push(zeromq::PushSocket),
    Sub(zeromq::SubSocket),
    Pub(zeromq::PubSocket),
    Rep(zeromq::RepSocket),
    Req(zeromq::ReqSocket),
    Router(zeromq::RouterSocket),
    Dealer(zeromq::DealerSocket),
}

impl Socket {
    async fn send(&mut self, message: ZmqMessage) -> Outcome {
        match self {
            Self::Push(socket) => socket.send(message).await?,
            Self::Pub(socket) => socket.send(message).await?,
            Self::Rep(socket) => socket.send(message).await?,
            Self::Req(socket) => socket.send(message).await?,
            Self::Router(socket) => socket.send(message).await?,
            Self::Dealer(socket) => socket.send(message).await?,
            Self::Pull(_) | Self::Sub(_) => return Err("it only receives".into()),
        }
        Ok(())
    }

    async fn recv(&mut self) -> Outcome<ZmqMessage> {
        Ok(match self {
            Self::Pull(socket) => socket.recv().await?,
            Self::Sub(socket) => socket.recv().await?,
            Self::Rep(socket) => socket.recv().await?,
            Self::Req(socket) => socket.recv().await?,
            Self::Router(socket) => socket.recv().await?,
            Self::Dealer(socket) => socket.recv().await?,
            Self::Push(_) | Self::Pub(_) => return Err("it only sends".into()),
        })
    }
}

impl Library for Zmqrs {
    type Socket = Peer;

    fn socket(&self, kind: Kind) -> Outcome<Peer> {
        let socket = match kind {
            Kind::Pull => Socket::Pull(zeromq::PullSocket::new()),
            Kind::Push => Socket::Push(zeromq::PushSocket::new()),
            Kind::Sub => Socket::Sub(zeromq::SubSocket::new()),
            Kind::Pub => Socket::Pub(zeromq::PubSocket::new()),
            Kind::Rep => Socket::Rep(zeromq::RepSocket::new()),
            Kind::Req => Socket::Req(zeromq::ReqSocket::new()),
            Kind::Router => Socket::Router(zeromq::RouterSocket::new()),
            Kind::Dealer => Socket::Dealer(zeromq::DealerSocket::new()),
            Kind::XSub | Kind::XPub => return Err("only its proxy has XSUB and XPUB".into()),
        };
        Ok(Peer { socket, message: None })
    }

    async fn proxy(&self, front: (Kind, &str), back: (Kind, &str)) -> Outcome {
        if front.0 == Kind::XSub {
            let (mut frontend, mut backend) = (zeromq::XSubSocket::new(), zeromq::XPubSocket::new());
            frontend.bind(front.1).await?;
            backend.bind(back.1).await?;
            return Ok(zeromq::proxy(frontend, backend, None).await?);
        }
        let (mut frontend, mut backend) = (zeromq::RouterSocket::new(), zeromq::DealerSocket::new());
        frontend.bind(front.1).await?;
        backend.bind(back.1).await?;
        Ok(zeromq::proxy(frontend, backend, None).await?)
    }
}

impl peer_common::Socket for Peer {
    async fn bind(&mut self, endpoint: &str) -> Outcome {
        match &mut self.socket {
            Socket::Pull(socket) => drop(socket.bind(endpoint).await?),
            Socket::Pub(socket) => drop(socket.bind(endpoint).await?),
            Socket::Rep(socket) => drop(socket.bind(endpoint).await?),
            Socket::Router(socket) => drop(socket.bind(endpoint).await?),
            _ => return Err("no role binds it".into()),
        }
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Outcome {
        match &mut self.socket {
            Socket::Push(socket) => socket.connect(endpoint).await?,
            Socket::Sub(socket) => socket.connect(endpoint).await?,
            Socket::Pub(socket) => socket.connect(endpoint).await?,
            Socket::Rep(socket) => socket.connect(endpoint).await?,
            Socket::Req(socket) => socket.connect(endpoint).await?,
            Socket::Dealer(socket) => socket.connect(endpoint).await?,
            Socket::Pull(_) | Socket::Router(_) => return Err("no role connects it".into()),
        }
        Ok(())
    }

    async fn subscribe(&mut self, topic: &str) -> Outcome {
        match &mut self.socket {
            Socket::Sub(socket) => Ok(socket.subscribe(topic).await?),
            _ => Err("only a SUB subscribes".into()),
        }
    }

    async fn send(&mut self, body: &Bytes) -> Outcome {
        self.socket.send(body.clone().into()).await
    }

    async fn ask(&mut self, body: &Bytes) -> Outcome {
        let mut request = ZmqMessage::from(body.clone());
        request.push_front(Bytes::new());
        self.socket.send(request).await
    }

    async fn recv(&mut self) -> Outcome<usize> {
        let message = self.socket.recv().await?;
        let size = message.get(message.len() - 1).map_or(0, Bytes::len);
        self.message = Some(message);
        Ok(size)
    }

    async fn echo(&mut self) -> Outcome {
        self.socket.send(self.message.take().ok_or("nothing was received")?).await
    }

    async fn flush(self) -> Outcome {
        // zmq.rs doesn't report when all messages are sent: the pause is time for the last few messages.
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    let outcome = peer_common::run(Zmqrs).await;
    if let Err(error) = &outcome {
        eprintln!("peer-zmqrs: {error}");
    }
    std::process::exit(outcome.is_err().into());
}
