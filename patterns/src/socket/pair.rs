//! PAIR: sends to and receives from exactly one peer.

use enfonet_zmtp::{Message, SocketType};

use super::common::socket_methods;
use super::next_peer::sending_methods;
use super::receiving::receiving_methods;
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::routing::SinglePeer;

/// Sends to and receives from one peer at a time (RFC 31). A pair mostly connects two tasks of a program over inproc.
/// Partner: another `Pair`.
///
/// | when … | then … |
/// |---|---|
/// | no peer is connected yet | `send` waits |
/// | the outbox of the peer is at its high-water mark | `send` waits |
/// | another peer connects | the socket rejects it |
///
/// Messages sent after `connect` wait for the connection. If the connection is lost, they wait for the next connection.
///
/// ```
/// use enfonet::Pair;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (parent, child) = (Pair::new(), Pair::new());
/// parent.bind("inproc://steps").await?;
/// child.connect("inproc://steps")?;
///
/// parent.send("begin").await?;
/// assert_eq!(child.recv().await?, "begin");
/// child.send(["done", "42"]).await?;
/// assert_eq!(parent.recv().await?, ["done", "42"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pair {
    pub(super) core: SocketHandle<SinglePeer>,
}

socket_methods!(Pair, |_settings| SinglePeer::default());
sending_methods!(Pair);
sinks!(Pair, Message, |socket, message| socket.send(message));
receiving_methods!(Pair);
