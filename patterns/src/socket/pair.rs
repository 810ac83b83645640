//! PAIR: a conversation of exactly two sockets.

use enfonet_zmtp::{Message, SocketType};

use super::common::socket_methods;
use super::next_peer::sending_methods;
use super::receiving::receiving_methods;
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::routing::SinglePeer;

/// Talks with one peer at a time, both ways (RFC 31): mostly two tasks of a program, over inproc. Partner: another
/// `Pair`.
///
/// | when … | then … |
/// |---|---|
/// | there is no peer yet | `send` waits |
/// | the peer's queue is at its mark | `send` waits |
/// | another peer comes while there is one | it is turned away |
///
/// Messages sent after `connect` wait for the connection, and for the next connection when that one is lost.
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
