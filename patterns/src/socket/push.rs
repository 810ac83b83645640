//! PUSH: distributes work.

use enfonet_zmtp::{Message, SocketType};

use super::common::socket_methods;
use super::next_peer::sending_methods;
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::options::{ConflateOptions, HasOptions};
use crate::routing::RoundRobin;

/// Sends each message to one of its peers, in rotation (RFC 30): tasks for workers. Partner: [`Pull`](crate::Pull).
///
/// | when … | then … |
/// |---|---|
/// | no peer is connected yet | `send` waits |
/// | the outbox of a peer is at its high-water mark | `send` skips the peer |
/// | all outboxes are at their marks | `send` waits |
/// | a peer that this socket connected to disconnects | its unsent messages are sent when it is connected again |
/// | a peer that connected to this socket disconnects | its unsent messages are lost |
///
/// ```
/// use enfonet::{Pull, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ventilator = Push::new();
/// let endpoint = ventilator.bind("tcp://127.0.0.1:*").await?;
/// let (first, second) = (Pull::new(), Pull::new());
/// first.connect(&endpoint)?;
/// second.connect(&endpoint)?;
/// ventilator.wait_connected(2).await;
///
/// ventilator.send("a task").await?;
/// ventilator.send("another").await?;
/// let tasks = [first.recv().await?, second.recv().await?];
/// assert!(tasks.contains(&"a task".into()) && tasks.contains(&"another".into()));
/// # Ok(())
/// # }
/// ```
///
/// A PUSH can't receive:
///
/// ```compile_fail,E0599
/// # async fn receive(ventilator: enfonet::Push) {
/// ventilator.recv().await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Push {
    pub(super) core: SocketHandle<RoundRobin>,
}

socket_methods!(Push, |_settings| RoundRobin::default());

impl HasOptions<ConflateOptions> for Push {}

sending_methods!(Push);
sinks!(Push, Message, |socket, message| socket.send(message));
