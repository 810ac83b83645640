//! REP: replies to requests.

use std::sync::Arc;

use enfonet_zmtp::{Envelope, IntoMessage, Message, SocketType};

use super::common::socket_methods;
use super::receiving::{known_message, streams};
use crate::core::{Out, SocketCore, SocketHandle};
use crate::error::{RecvError, ReplyError, TryRecvError};
use crate::peer::{PeerId, PeerInfo};
use crate::queue::{Inbound, Outgoing};
use crate::routing::ReplyGate;

/// Receives requests from its clients, in rotation, and replies (RFC 28). Partners: [`Req`](crate::Req),
/// [`Dealer`](crate::Dealer).
///
/// | when … | then … |
/// |---|---|
/// | no request has arrived | `recv` waits |
/// | the inbox of a client is at its high-water mark | the socket doesn't read that connection until there is room |
/// | a client doesn't read its replies, and its outbox is full | `reply` fails with [`ReplyError::Full`] (libzmq drops the reply silently) |
/// | the client of a request has disconnected | `reply` fails with [`ReplyError::ClientGone`] |
///
/// A [`Request`] knows its client, and its reply consumes it. So the application can work on any number of requests at
/// a time, and no reply goes to another client. A message without an empty frame before its body is no request, and is
/// dropped.
///
/// ```
/// use enfonet::{Rep, Req};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Rep::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// tokio::spawn(async move {
///     while let Ok(request) = server.recv().await {
///         // As many at a time as there are.
///         tokio::spawn(async move {
///             let name = String::from_utf8_lossy(request.message().first()).into_owned();
///             request.reply(format!("hello, {name}"))
///         });
///     }
/// });
///
/// let client = Req::new();
/// client.connect(endpoint)?;
/// assert_eq!(client.request("ada").await?, "hello, ada");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rep {
    core: SocketHandle<ReplyGate>,
}

socket_methods!(Rep, |_settings| ReplyGate::default());
streams!(Rep, Request);

impl Rep {
    /// Receives the next request. Clients are served in rotation. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`] or [`RecvError::Timeout`].
    pub async fn recv(&self) -> Result<Request, RecvError> {
        self.wait_for_replies().await;
        self.core.recv_in_time(|inbound| self.request(inbound)).await
    }

    /// Receives the next request, if a request has arrived. Never waits.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`], or, once all earlier messages are received, [`TryRecvError::Closed`].
    pub fn try_recv(&self) -> Result<Request, TryRecvError> {
        // The lock is released again: a receiver may be woken for the requests that are left.
        if !may_receive(&mut self.core.out()) {
            return Err(TryRecvError::Empty);
        }
        self.core.try_recv_by(|inbound| self.request(inbound))
    }

    async fn wait_for_replies(&self) {
        self.core.until(|out| may_receive(out).then_some(())).await;
    }

    /// Pops the next message that is a request.
    fn request(&self, inbound: &mut Inbound) -> Option<Request> {
        loop {
            let (client, message) = known_message(inbound)?;
            if let Ok((envelope, message)) = message.split_envelope() {
                let responder = Responder { core: self.core.share(), client, envelope };
                return Some(Request { message, responder });
            }
        }
    }
}

/// Returns whether the gate is open. A closed socket sends no replies, so nothing has to wait for them.
fn may_receive(out: &mut Out<ReplyGate>) -> bool {
    out.closed || out.routing.may_receive(&out.outboxes)
}

/// A request of a client. If it is dropped without a reply, the client continues to wait.
#[derive(Debug)]
pub struct Request {
    message: Message,
    responder: Responder,
}

impl Request {
    /// Returns the message that the client sent.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the message by value, and the [`Responder`], which sends the reply later.
    ///
    /// ```
    /// use enfonet::{Rep, Req};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (server, client) = (Rep::new(), Req::new());
    /// # client.connect(server.bind("tcp://127.0.0.1:*").await?)?;
    /// client.send("echo").await?;
    /// let (message, responder) = server.recv().await?.into_parts();
    /// responder.reply(message)?;
    /// assert_eq!(client.recv().await?, "echo");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (Message, Responder) {
        (self.message, self.responder)
    }

    /// Returns the id of the client.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.responder.peer()
    }

    /// Returns information about the client, such as its address and the user that it was authenticated as.
    #[must_use]
    pub fn client(&self) -> &PeerInfo {
        self.responder.client()
    }

    /// Sends the reply. Never waits.
    ///
    /// # Errors
    /// [`ReplyError`]: the client has disconnected, or its queue is full. Clients may disconnect at any time, so a
    /// server should handle this error, and not return it with `?`.
    pub fn reply(self, message: impl IntoMessage) -> Result<(), ReplyError> {
        self.responder.reply(message)
    }
}

/// The right to reply to one request, from [`Request::into_parts`]. If it is dropped without a reply, the client
/// continues to wait.
#[derive(Debug)]
pub struct Responder {
    core: Arc<SocketCore<ReplyGate>>,
    client: Arc<PeerInfo>,
    envelope: Envelope,
}

impl Responder {
    /// Returns the id of the client.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.client.id
    }

    /// Returns information about the client, such as its address and the user that it was authenticated as.
    #[must_use]
    pub fn client(&self) -> &PeerInfo {
        &self.client
    }

    /// Sends the reply, as [`Request::reply`] does. Never waits.
    ///
    /// # Errors
    /// [`ReplyError`]: the client has disconnected, or its queue is full.
    pub fn reply(self, message: impl IntoMessage) -> Result<(), ReplyError> {
        let message = Outgoing::new(message);
        let mut guard = self.core.out();
        let (out, wakers) = guard.split();
        let outbox = out.outboxes.get_mut(self.client.id).ok_or(ReplyError::ClientGone)?;
        if !outbox.has_room() {
            outbox.lose(1);
            self.core.count_queue_full(1);
            return Err(ReplyError::Full);
        }
        message.push_to(outbox, &self.envelope);
        wakers.extend(outbox.wake());
        out.routing.note_reply(outbox);
        Ok(())
    }
}
