//! PULL: receives work.

use enfonet_zmtp::SocketType;

use super::common::socket_methods;
use super::receiving::receiving_methods;
use crate::core::SocketHandle;
use crate::options::{ConflateOptions, HasOptions};
use crate::routing::ReceiveOnly;

/// Receives messages from all its peers, in rotation (RFC 30): tasks from a ventilator, or results from workers.
/// Partner: [`Push`](crate::Push).
///
/// | when … | then … |
/// |---|---|
/// | no message has arrived | `recv` waits |
/// | the inbox of a peer is at its high-water mark | the socket doesn't read that connection until there is room, so the peer has to wait |
/// | a peer disconnects | messages that arrived before are still received |
///
/// ```
/// use enfonet::{Pull, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sink = Pull::new();
/// let endpoint = sink.bind("tcp://127.0.0.1:*").await?;
/// let worker = Push::new();
/// worker.connect(endpoint)?;
///
/// worker.send("a result").await?;
/// assert_eq!(sink.recv().await?, "a result");
/// # Ok(())
/// # }
/// ```
///
/// A PULL can't send:
///
/// ```compile_fail,E0599
/// # async fn send(sink: enfonet::Pull) {
/// sink.send("a").await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pull {
    pub(super) core: SocketHandle<ReceiveOnly>,
}

socket_methods!(Pull, |_settings| ReceiveOnly);

impl HasOptions<ConflateOptions> for Pull {}

receiving_methods!(Pull);
