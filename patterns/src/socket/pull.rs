//! PULL: receives work.

use enfonet_zmtp::SocketType;

use super::common::socket_methods;
use super::receiving::receiving_methods;
use crate::core::SocketHandle;
use crate::options::Conflates;
use crate::routing::ReceiveOnly;

/// Receives from all of its peers, each in turn (RFC 30): work from ventilators, or results from workers.
/// Partner: [`Push`](crate::Push).
///
/// | when … | then … |
/// |---|---|
/// | nothing has come | `recv` waits |
/// | its queue for a peer is at its mark | that peer's connection isn't read until there is room: then the peer has to wait |
/// | a peer has gone | what it had sent is received all the same |
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
/// It sends nothing:
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

impl Conflates for Pull {}

receiving_methods!(Pull);
