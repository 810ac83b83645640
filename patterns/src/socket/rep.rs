//! REP: replies to requests.

use std::sync::Arc;
use std::task::Waker;

use enfonet_zmtp::{Envelope, Message, SocketType};

use super::common::{recv_message, socket_methods, try_recv_message};
use super::hub::{Hub, Owned};
use crate::PeerId;
use crate::error::{RecvError, ReplyError};
use crate::routing::Passive;

/// Receives requests, of each client in turn, and replies (RFC 28). Partners: [`Req`](crate::Req),
/// [`Dealer`](crate::Dealer).
///
/// A [`Request`] knows where its reply goes, and is used up by it: any number of them can be worked on at a
/// time, and no reply can go to another client. A message without an empty frame before its body is no
/// request, and is dropped.
#[derive(Clone, Debug)]
pub struct Rep {
    hub: Owned<Passive>,
}

socket_methods!(Rep, |_settings| Passive);

impl Rep {
    /// The next request, of each client in turn. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`].
    pub async fn recv(&self) -> Result<Request, RecvError> {
        loop {
            let received = recv_message(&self.hub).await?;
            if let Some(request) = self.request(received) {
                return Ok(request);
            }
        }
    }

    /// The next request, if there is one.
    pub fn try_recv(&self) -> Option<Request> {
        std::iter::from_fn(|| try_recv_message(&self.hub)).find_map(|received| self.request(received))
    }

    fn request(&self, (peer, message): (PeerId, Message)) -> Option<Request> {
        let (envelope, message) = message.split_envelope().ok()?;
        Some(Request { hub: self.hub.share(), peer, envelope, message })
    }
}

/// A request of one client. Dropped without a reply, the client waits on.
#[derive(Debug)]
pub struct Request {
    hub: Arc<Hub<Passive>>,
    peer: PeerId,
    envelope: Envelope,
    message: Message,
}

impl Request {
    /// What the client sent.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// Whose request it is.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// Replies. Never waits.
    ///
    /// # Errors
    /// [`ReplyError`]: there is nobody to get the reply.
    pub fn reply(self, message: impl Into<Message>) -> Result<(), ReplyError> {
        let mut out = self.hub.out();
        let outbox = out.outboxes.get_mut(self.peer).ok_or(ReplyError::ClientGone)?;
        if !outbox.has_room() {
            return Err(ReplyError::Full);
        }
        outbox.push(&self.envelope, &message.into());
        let waker = outbox.wake();
        drop(out);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }
}
