//! PUSH: distributes work.

use enfonet_zmtp::{Message, SocketType};

use super::common::socket_methods;
use super::next_peer::sending_methods;
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::options::Conflates;
use crate::routing::RoundRobin;

/// Sends each message to one of its peers, in turn (RFC 30): work for workers. Partner: [`Pull`](crate::Pull).
///
/// | when … | then `send` … |
/// |---|---|
/// | there is no peer yet | waits |
/// | a peer's queue is at its mark | passes it over; if all are, it waits |
/// | a peer goes | sends what that one hasn't got to it again once it is back, if this side connected; otherwise that is lost |
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
/// It receives nothing:
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

impl Conflates for Push {}

sending_methods!(Push);
sinks!(Push, Message, |socket, message| socket.send(message));
