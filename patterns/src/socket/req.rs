//! REQ: a request, then its reply.

use std::time::Duration;

use enfonet_zmtp::{IntoMessage, Message, SocketType};

use super::common::socket_methods;
use crate::core::{OutGuard, SocketCore, SocketHandle, Target, with_timeout};
use crate::error::{RecvError, RequestError, SendError, TryRecvError};
use crate::options::{HasOptions, Narrow, Options, ProbeOptions, bounded};
use crate::queue::{Arrival, Inbound, Outgoing};
use crate::routing::{RequestId, RequestState, RequestStatus};

/// Sends a request to one of its peers, in rotation, and receives the reply (RFC 28). Partners: [`Rep`](crate::Rep),
/// [`Router`](crate::Router).
///
/// | when … | then … |
/// |---|---|
/// | no peer is connected yet, or no peer has room | `send` waits |
/// | the reply to the last request hasn't been received | `send` fails; if the socket is [`relaxed`](crate::Options::relaxed), it abandons that request |
/// | the peer disconnects before it has the request | another peer gets the request |
/// | the peer disconnects with the request | `recv` fails with [`RecvError::PeerGone`] (libzmq waits for ever); `request` sends the request to another peer, if it has [`retries`](crate::Options::retries) |
///
/// ```
/// use enfonet::{Rep, Req};
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
/// assert_eq!(client.recv().await?, "4");
/// # Ok(())
/// # }
/// ```
///
/// **Clones** are the same socket, with one request in flight. Of concurrent calls of `send`, the first succeeds, and
/// the others fail with [`SendError::ReplyPending`]. If the socket is relaxed, the last request counts, and calls that
/// wait for the reply to an earlier request fail with [`RecvError::Abandoned`]. A call of `recv` returns only the reply
/// to the request that was in flight when the call began. Of several calls that wait for the same reply, one returns
/// the reply, and the others fail with [`RecvError::NoRequest`].
#[derive(Clone, Debug)]
pub struct Req {
    core: SocketHandle<RequestState>,
}

socket_methods!(Req, |settings| RequestState::new(&settings.request, fastrand::u32(..)));

impl HasOptions<ProbeOptions> for Req {}

impl<K: Narrow<Req>> Options<K> {
    /// Sets whether a request can be sent before the reply to the last request has arrived. The last request is then
    /// abandoned. Default off: sending fails with [`ReplyPending`](crate::error::SendError::ReplyPending).
    ///
    /// If the same peer gets both requests, only [`correlate`](Self::correlate) distinguishes a late reply to the
    /// first from the reply to the second: set both options.
    #[must_use]
    pub fn relaxed(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.request.relaxed = on;
        self.retyped()
    }

    /// Sends each request with a number of its own, 4 bytes in a frame before the empty frame, and accepts only a reply
    /// with the same number. [`Rep`](crate::Rep) returns the number. A server with a [`Router`](crate::Router) must
    /// return all frames up to the empty frame. Default off.
    #[must_use]
    pub fn correlate(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.request.correlate = on;
        self.retyped()
    }

    /// Sets how often [`Req::request`] sends a request again, to the next peer, when its peer disconnects or the
    /// [`reply_timeout`](Self::reply_timeout) is over. So the request may be carried out more than once. All attempts
    /// have the same request number, and the first reply counts: a value above 0 implies
    /// [`correlate`](Self::correlate). Default 0.
    #[must_use]
    pub fn retries(mut self, retries: usize) -> Options<K::Narrowed> {
        self.settings.request.retries = retries;
        self.retyped()
    }

    /// Sets the maximum time of each attempt of [`Req::request`], the wait for a peer with room included. Implies
    /// [`correlate`](Self::correlate). Default: for ever.
    #[must_use]
    pub fn reply_timeout(mut self, timeout: Duration) -> Options<K::Narrowed> {
        self.settings.request.reply_timeout = Some(bounded(timeout));
        self.retyped()
    }
}

impl Req {
    /// Sends a request and waits for its reply, for at most the [`reply_timeout`](crate::Options::reply_timeout). Then
    /// it sends the request to another peer, as often as [`retries`](crate::Options::retries) allow. Other timeouts
    /// don't apply.
    ///
    /// If the call is dropped after the request is sent, the socket waits for the reply, and [`recv`](Self::recv)
    /// returns it. A [`relaxed`](crate::Options::relaxed) socket may also send the next request.
    ///
    /// # Errors
    /// [`RequestError`]. Afterwards, the next request may be sent.
    pub async fn request(&self, message: impl IntoMessage) -> Result<Message, RequestError> {
        let message = message.into_message();
        let (retries, limit) =
            (self.core.settings().request.retries, self.core.settings().request.reply_timeout);
        let mut request_id = None;
        for attempt in 0..=retries {
            let outcome = match with_timeout(limit, self.attempt(&mut request_id, &message)).await {
                Some(Err(RequestError::Recv(RecvError::PeerGone))) if retries > 0 => None,
                outcome => outcome,
            };
            match outcome {
                Some(outcome) => return outcome.inspect_err(|_| self.give_up(request_id)),
                None if attempt < retries => {}
                None => self.give_up(request_id),
            }
        }
        Err(RequestError::NoReply { attempts: retries.saturating_add(1) })
    }

    /// Sends the request, again if it has been sent, and waits for its reply.
    async fn attempt(
        &self,
        request_id: &mut Option<RequestId>,
        message: &Message,
    ) -> Result<Message, RequestError> {
        let reply = match *request_id {
            Some(request_id) => self.reply_to(request_id, Some(message)).await,
            None => {
                let request_id = *request_id.insert(self.begin(message.clone(), None).await?);
                self.reply_to(request_id, None).await
            }
        };
        Ok(reply?)
    }

    /// Sends a request to the next peer with room. Cancel safe: a call that is dropped early has sent nothing.
    ///
    /// # Errors
    /// With the message: [`SendError::ReplyPending`] if the reply to the last request hasn't been received and the
    /// socket isn't [`relaxed`](crate::Options::relaxed), [`SendError::Timeout`], or [`SendError::Closed`].
    pub async fn send(&self, message: impl IntoMessage) -> Result<(), SendError> {
        self.begin(message, self.core.settings().send_timeout).await?;
        Ok(())
    }

    /// Sends a request to the next peer with room, if a peer has room. Never waits.
    ///
    /// # Errors
    /// With the message: [`SendError::Full`], [`SendError::ReplyPending`] as of [`send`](Self::send), or
    /// [`SendError::Closed`].
    pub fn try_send(&self, message: impl IntoMessage) -> Result<(), SendError> {
        self.core.try_send(NewRequest { core: &self.core }, message)?;
        Ok(())
    }

    /// Sends a request, as soon as a peer has room, for at most `limit`. Returns its id.
    async fn begin(
        &self,
        message: impl IntoMessage,
        limit: Option<Duration>,
    ) -> Result<RequestId, SendError> {
        self.core.send_within(limit, NewRequest { core: &self.core }, Outgoing::new(message)).await
    }

    /// Receives the reply to the last request. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError`]. After a [`Timeout`](RecvError::Timeout), the reply may still be received. After any other error,
    /// the next request may be sent.
    pub async fn recv(&self) -> Result<Message, RecvError> {
        let request_id = {
            let out = self.core.out();
            if out.routing.is_idle() {
                return Err(RecvError::NoRequest);
            }
            out.routing.request_id()
        };
        let reply = self.core.in_recv_time(self.reply_to(request_id, None)).await;
        if matches!(reply, Err(error) if error != RecvError::Timeout) {
            self.give_up(Some(request_id));
        }
        reply
    }

    /// Receives the reply to the last request, if it has arrived. Never waits.
    ///
    /// # Errors
    /// [`TryRecvError`]. After [`Empty`](TryRecvError::Empty), the reply may still be received; after any other, the
    /// next request may be sent.
    pub fn try_recv(&self) -> Result<Message, TryRecvError> {
        let request_id = self.core.out().routing.request_id();
        let nothing_left = loop {
            match self.core.try_recv_by(Inbound::pop_one) {
                Ok(arrival) => self.take(arrival),
                Err(nothing_left) => break nothing_left,
            }
        };
        match self.look(request_id, &mut None) {
            RequestStatus::Replied(reply) => Ok(reply),
            RequestStatus::Awaiting => Err(nothing_left),
            RequestStatus::Over => Err(TryRecvError::NoRequest),
            RequestStatus::Abandoned => Err(TryRecvError::Abandoned),
            RequestStatus::Lost => {
                self.give_up(Some(request_id));
                Err(TryRecvError::PeerGone)
            }
        }
    }

    /// Waits for the reply to a request, after sending the request again if `retry` has the message. The state keeps a
    /// lost request, so that the caller may retry it. Cancel safe.
    async fn reply_to(
        &self,
        request_id: RequestId,
        mut retry: Option<&Message>,
    ) -> Result<Message, RecvError> {
        loop {
            let changed = self.core.changes();
            match self.look(request_id, &mut retry) {
                RequestStatus::Replied(reply) => return Ok(reply),
                RequestStatus::Over => return Err(RecvError::NoRequest),
                RequestStatus::Abandoned => return Err(RecvError::Abandoned),
                RequestStatus::Lost if retry.is_none() => return Err(RecvError::PeerGone),
                RequestStatus::Lost | RequestStatus::Awaiting => {}
            }
            tokio::select! {
                biased;
                arrival = self.core.recv_by(Inbound::pop_one) => self.take(arrival?),
                () = changed => {}
            }
        }
    }

    /// Returns the status of a request. First sends the request to another peer, if its peer disconnected before it had
    /// the request, or if `retry` has the message. `retry` is `None` after the request is sent.
    fn look(&self, request_id: RequestId, retry: &mut Option<&Message>) -> RequestStatus {
        let mut guard = self.core.out();
        let (out, wakers) = guard.split();
        let peer = match *retry {
            Some(message) => out.routing.retry(request_id, &mut out.outboxes, message),
            None => out.routing.resend(&mut out.outboxes),
        };
        if let Some(peer) = peer {
            *retry = None;
            wakers.extend(out.outboxes[peer].wake());
        }
        out.routing.status(request_id)
    }

    /// Applies an arrival to the state. If it concerns the request, wakes all calls that wait for a reply.
    fn take(&self, arrival: Arrival<Message>) {
        let mut out = self.core.out();
        let news = match arrival {
            Arrival::Messages(peer, message) => out.routing.reply(peer, message),
            Arrival::Left(peer, unsent) => {
                out.routing.peer_lost(peer, unsent);
                true
            }
            Arrival::Joined(..) | Arrival::Subscription(..) => false,
        };
        if news {
            out.changed();
        }
    }

    /// Gives up a request: its reply is no longer accepted. A closed socket doesn't, since it still sends accepted
    /// messages.
    fn give_up(&self, request_id: Option<RequestId>) {
        if let Some(request_id) = request_id {
            let mut guard = self.core.out();
            let (out, wakers) = guard.split();
            if out.closed {
                return;
            }
            out.routing.give_up(request_id, &mut out.outboxes);
            wakers.changed();
        }
    }
}

/// Target of a new request: the next peer with room, unless a request is in flight that may not be abandoned.
struct NewRequest<'a> {
    core: &'a SocketCore<RequestState>,
}

impl Target<RequestState> for NewRequest<'_> {
    type Pushed = RequestId;

    fn push(
        &mut self,
        out: &mut OutGuard<'_, RequestState>,
        message: &Outgoing<impl IntoMessage>,
    ) -> Result<RequestId, SendError<()>> {
        let (out, wakers) = out.split();
        if !out.routing.may_request() {
            return Err(SendError::ReplyPending(()));
        }
        let abandons = !out.routing.is_idle();
        let peer = out.routing.request(&mut out.outboxes, message).ok_or(SendError::Full(()))?;
        // Nothing that came before the request can be its reply.
        self.core.inbound().clear();
        wakers.extend(out.outboxes[peer].wake());
        if abandons {
            // Tasks that wait for the reply to the other request fail.
            wakers.changed();
        }
        Ok(out.routing.request_id())
    }
}
