//! A whole ZMTP peer: subscribes to a publisher, and prints the publisher's messages.
//!
//!     cargo run -p enfonet-zmtp --features codec --example subscriber 127.0.0.1:5556 weather.

use std::env::args;
use std::error::Error;

use bytes::Bytes;
use enfonet_zmtp::codec::{self, Traffic};
use enfonet_zmtp::{Command, Entropy, HandshakeConfig, Limits, SocketType, Subscription, Verdict};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = args().nth(1).ok_or("usage: subscriber HOST:PORT [TOPIC]")?;
    let topic = Bytes::from(args().nth(2).unwrap_or_default());

    let stream = TcpStream::connect(&address).await?;
    let config = HandshakeConfig::new(SocketType::Sub);
    let everybody = async |_| Verdict::allow();
    let (mut peer, who) =
        codec::connect(stream, config, Entropy::none(), Limits::default(), everybody).await?;
    println!("connected to {:?} of ZMTP {}", who.socket_type, who.version);

    peer.send(Command::Subscription(Subscription::Subscribe(topic))).await?;
    while let Some(traffic) = peer.next().await {
        match traffic? {
            Traffic::Message(message) => println!("{message:?}"),
            Traffic::Command(Command::Ping(ping)) => peer.send(Command::Pong(ping.context)).await?,
            Traffic::Command(_) => {}
        }
    }
    Ok(())
}
