//! Receiving of messages, for programs that are generic over the kind of socket.

use std::sync::Arc;

use enfonet_zmtp::{Batch, Message};

use crate::error::{RecvError, TryRecvError};
use crate::options::Kind;
use crate::peer::{PeerId, PeerInfo};

/// A socket that receives messages as they are: DEALER, PAIR, PULL, SUB and XSUB.
///
/// The methods are those that the sockets have themselves, so a program needs the trait only where it is generic:
///
/// ```
/// use enfonet::{Pub, Pull, Push, Sub};
/// use enfonet::error::RecvError;
/// use enfonet::socket::Receive;
///
/// async fn count_bytes<S: Receive>(socket: S, messages: usize) -> Result<usize, RecvError> {
///     let (mut received, mut bytes) = (0, 0);
///     while received < messages {
///         let (_, batch) = socket.recv_batch(messages - received).await?;
///         received += batch.len();
///         bytes += batch.wire_len();
///     }
///     Ok(bytes)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (push, pull, publisher, subscriber) = (Push::new(), Pull::new(), Pub::new(), Sub::new());
/// push.connect(pull.bind("inproc://tasks").await?)?;
/// subscriber.subscribe("");
/// subscriber.connect(publisher.bind("inproc://news").await?)?;
/// publisher.wait_subscribers(1).await;
///
/// // Each message has two bytes besides its text.
/// push.send("a task").await?;
/// assert_eq!(tokio::spawn(count_bytes(pull, 1)).await??, 8);
/// publisher.send("sunny").await?;
/// assert_eq!(tokio::spawn(count_bytes(subscriber, 1)).await??, 7);
/// # Ok(())
/// # }
/// ```
pub trait Receive: Kind + Clone + Send + Sync + 'static {
    /// Receives the next message: see [`Pull::recv`](crate::Pull::recv). Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`] or [`RecvError::Timeout`].
    fn recv(&self) -> impl Future<Output = Result<Message, RecvError>> + Send;

    /// Receives the next message, and information about its peer: see [`Pull::recv_from`](crate::Pull::recv_from).
    /// Cancel safe.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    fn recv_from(&self) -> impl Future<Output = Result<(Arc<PeerInfo>, Message), RecvError>> + Send;

    /// Receives the next message, if a message has arrived. Never waits.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] or [`TryRecvError::Closed`].
    fn try_recv(&self) -> Result<Message, TryRecvError>;

    /// Receives the next messages of a peer, at most `limit`: see [`Pull::recv_batch`](crate::Pull::recv_batch). Cancel
    /// safe.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    fn recv_batch(&self, limit: usize) -> impl Future<Output = Result<(PeerId, Batch), RecvError>> + Send;

    /// Receives the next messages of a peer, at most `limit`, if messages have arrived. Never waits.
    ///
    /// # Errors
    /// As of [`try_recv`](Self::try_recv).
    fn try_recv_batch(&self, limit: usize) -> Result<(PeerId, Batch), TryRecvError>;
}

/// Implements [`Receive`] by the methods of the same names.
macro_rules! receive {
    ($($kind:ident),*) => {
        $(impl Receive for super::$kind {
            fn recv(&self) -> impl Future<Output = Result<Message, RecvError>> + Send {
                self.recv()
            }

            fn recv_from(&self) -> impl Future<Output = Result<(Arc<PeerInfo>, Message), RecvError>> + Send {
                self.recv_from()
            }

            fn try_recv(&self) -> Result<Message, TryRecvError> {
                self.try_recv()
            }

            fn recv_batch(
                &self,
                limit: usize,
            ) -> impl Future<Output = Result<(PeerId, Batch), RecvError>> + Send {
                self.recv_batch(limit)
            }

            fn try_recv_batch(&self, limit: usize) -> Result<(PeerId, Batch), TryRecvError> {
                self.try_recv_batch(limit)
            }
        })*
    };
}
receive!(Dealer, Pair, Pull, Sub, XSub);
