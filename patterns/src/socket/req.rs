//! REQ: a request, then its reply.

use std::task::Waker;

use enfonet_zmtp::{Message, SocketType};

use super::common::socket_methods;
use super::hub::Owned;
use crate::error::{RecvError, SendError};
use crate::queue::Arrival;
use crate::routing::{Gone, Lockstep};

/// Sends a request to one of its peers, each in turn, and receives the reply (RFC 28). Partners:
/// [`Rep`](crate::Rep), [`Router`](crate::Router).
///
/// | when … | then … |
/// |---|---|
/// | no peer has room, or there is none yet | `send` waits |
/// | the peer goes before it has got the request | another gets it |
/// | the peer goes with the request | `recv` fails with [`RecvError::PeerGone`] (libzmq waits for ever) |
///
/// ```
/// use enfonet_patterns::{Rep, Req};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Rep::new();
/// let client = Req::new();
/// client.connect(server.bind("tcp://127.0.0.1:*").await?)?;
///
/// client.send("2 + 2").await?;
/// let request = server.recv().await?;
/// assert_eq!(request.message().first(), b"2 + 2");
/// request.reply("4")?;
/// assert_eq!(client.recv().await?, "4".into());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Req {
    hub: Owned<Lockstep>,
}

socket_methods!(Req, |_settings| Lockstep::default());

impl Req {
    /// Sends a request and waits for its reply. Dropped in between, the socket waits for the reply:
    /// [`recv`](Self::recv) gives it.
    ///
    /// # Errors
    /// [`RequestError`](RecvError) as of [`send`](Self::send) and [`recv`](Self::recv).
    pub async fn request(&self, message: impl Into<Message>) -> Result<Message, RequestError> {
        self.send(message).await?;
        Ok(self.recv().await?)
    }

    /// Sends a request to the next peer with room. Cancel safe: dropped before it is ready, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError::ReplyPending`] when the reply to the last one hasn't been received, or
    /// [`SendError::Closed`]; with the message.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let hub = &self.hub;
        let outcome = hub.until(|out| {
            if out.closed {
                return Some(Err(SendError::Closed(message.clone())));
            }
            if !out.routing.is_idle() {
                return Some(Err(SendError::ReplyPending(message.clone())));
            }
            let peer = out.routing.request(&mut out.outboxes, &message)?;
            // Nothing that came before the request can be its reply.
            hub.inbound().clear();
            Some(Ok(out.outboxes[peer].wake()))
        });
        outcome.await?.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The reply to the request that was sent. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError`].
    pub async fn recv(&self) -> Result<Message, RecvError> {
        if self.hub.out().routing.is_idle() {
            return Err(RecvError::NoRequest);
        }
        loop {
            self.resend().await?;
            match self.hub.recv(1).await? {
                Arrival::Run(peer, mut run) => {
                    let reply =
                        run.pop_front().and_then(|message| self.hub.out().routing.reply(peer, message));
                    if let Some(reply) = reply {
                        return Ok(reply);
                    }
                }
                Arrival::Left(peer, unsent) => {
                    if self.hub.out().routing.gone(peer, unsent) == Gone::Lost {
                        return Err(RecvError::PeerGone);
                    }
                }
                Arrival::Joined(..) | Arrival::Subscription(..) => {}
            }
        }
    }

    /// If the peer that was asked has gone and can't have got the request, another gets it.
    async fn resend(&self) -> Result<(), RecvError> {
        let outcome = self.hub.until(|out| {
            if !out.routing.is_unsent() {
                return Some(Ok(None));
            }
            if out.closed {
                return Some(Err(RecvError::Closed));
            }
            let peer = out.routing.resend(&mut out.outboxes)?;
            Some(Ok(out.outboxes[peer].wake()))
        });
        outcome.await?.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

/// A request that wasn't sent, or has no reply.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It wasn't sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// There is no reply.
    #[error(transparent)]
    Recv(#[from] RecvError),
}
