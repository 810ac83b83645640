//! Requests over DEALER, any number at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use enfonet_zmtp::{Envelope, IntoMessage, Message};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::{Instant, timeout_at};

use super::Dealer;
use crate::close_summary::CloseSummary;
use crate::endpoint::Endpoint;
use crate::error::{Closed, ConnectError, RecvError, RequestError, SendError};
use crate::options::Options;
use crate::queue::Inbound;

/// Maximum number of requests in flight, unless [`Client::with_limit`] sets another maximum: a queue's default
/// high-water mark.
const DEFAULT_LIMIT: usize = 1000;

/// A request client over [`Dealer`](crate::Dealer): any number of tasks send requests at a time, and each task gets the
/// reply to its request, in whatever order the replies arrive. Partners: [`Rep`](crate::Rep),
/// [`Router`](crate::Router), EnfoSLB, any broker between them, and any libzmq program that returns the frames before
/// the empty frame, as REP does (RFC 28).
///
/// On the wire, a request is an id of eight bytes, an empty frame, and the message. A reply has the same form.
///
/// | when … | then `request` … |
/// |---|---|
/// | no peer is connected, or no peer has room | waits within its timeout, then returns the message in [`RequestError::Send`] |
/// | the limit of requests in flight is reached (default 1000) | waits likewise |
/// | no reply arrives in time | fails with [`RecvError::Timeout`]; a late reply is dropped and [counted](Self::late_replies) |
/// | the peer disconnects with the request | fails after its timeout; the peer may have carried out the request, so the caller decides whether to send it again |
/// | the peer disconnects before it has the request | sends it once the peer is connected again; other peers get the next requests, as with [`Dealer`](crate::Dealer) |
/// | the socket is closed | fails with [`SendError::Closed`] or [`RecvError::Closed`] |
///
/// [`Req`](crate::Req) has one request in flight, and reports that its peer has disconnected.
///
/// ```
/// use std::time::Duration;
/// use enfonet::{Client, Rep};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Rep::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// tokio::spawn(async move {
///     while let Ok(request) = server.recv().await {
///         let answer = format!("{} it is", request.message());
///         let _ = request.reply(answer);
///     }
/// });
///
/// let client = Client::new();
/// client.connect(endpoint)?;
/// let second = Duration::from_secs(1);
/// let (tea, coffee) = tokio::join!(client.request("tea", second), client.request("coffee", second));
/// assert_eq!(tea?, "tea it is");
/// assert_eq!(coffee?, "coffee it is");
/// client.close(second).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    dealer: Dealer,
    /// Set at the first request, when the task that dispatches replies is started.
    started: OnceLock<()>,
    waiting: Arc<Waiting>,
    places: Semaphore,
    limit: usize,
}

impl Client {
    /// Makes a client over a DEALER with the default [`Options`].
    #[must_use]
    pub fn new() -> Self {
        Self::over(Dealer::new())
    }

    /// Makes a client over a DEALER with these options.
    #[must_use]
    pub fn with_options(options: impl Into<Options<Dealer>>) -> Self {
        Self::over(Dealer::with_options(options))
    }

    /// Makes a client over an existing DEALER. The DEALER must have no other use, since the client receives all its
    /// messages.
    #[must_use]
    pub fn over(dealer: Dealer) -> Self {
        Self::with_limit(dealer, DEFAULT_LIMIT)
    }

    /// Makes a client over a DEALER, with a maximum of requests in flight, which is at least 1. Each request takes some
    /// 200 bytes and, until it is written, a place in a queue of the DEALER.
    #[must_use]
    pub fn with_limit(dealer: Dealer, limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Shared {
            dealer,
            started: OnceLock::new(),
            waiting: Arc::new(Waiting::new()),
            places: Semaphore::new(limit),
            limit,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the DEALER, for instance to bind or monitor it.
    #[must_use]
    pub fn dealer(&self) -> &Dealer {
        &self.shared.dealer
    }

    /// Connects to an endpoint, as [`Dealer::connect`] does. Several peers get requests in rotation.
    ///
    /// # Errors
    /// [`ConnectError`]: the endpoint is invalid, or can only be bound.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect<E>(&self, endpoint: E) -> Result<(), ConnectError>
    where
        E: TryInto<Endpoint>,
        ConnectError: From<E::Error>,
    {
        self.dealer().connect(endpoint)
    }

    /// Sends a request and waits for its reply, both within the timeout. Cancel safe: if the call is dropped before the
    /// request is sent, no request is sent; if it is dropped later, the reply is counted as [late](Self::late_replies).
    ///
    /// # Errors
    /// [`RequestError::Send`] with the message, if it wasn't sent. [`RequestError::Recv`], if it was sent: a
    /// [`Timeout`](RecvError::Timeout), or the socket was [closed](RecvError::Closed).
    pub async fn request(
        &self,
        message: impl IntoMessage,
        timeout: Duration,
    ) -> Result<Message, RequestError> {
        let message = message.into_message();
        // A timeout that no clock can count is as good as none.
        let until = Instant::now().checked_add(timeout);
        self.shared.start();
        let sent = with_deadline(until, self.send(&message)).await;
        let (_place, request) = match sent {
            Some(Ok(sent)) => sent,
            Some(Err(error)) => return Err(error.map(|()| message).into()),
            None => return Err(SendError::Timeout(message).into()),
        };
        match with_deadline(until, request.reply()).await {
            Some(reply) => Ok(reply.map_err(|Closed| RecvError::Closed)?),
            None => Err(RecvError::Timeout.into()),
        }
    }

    async fn send(&self, message: &Message) -> Result<(SemaphorePermit<'_>, Request<'_>), SendError<()>> {
        let place = self.shared.places.acquire().await.expect("it is never closed");
        let request = self.shared.waiting.register();
        let message = message.clone().with_envelope(&request.envelope());
        self.dealer().send(message).await.map_err(|error| error.map(drop))?;
        Ok((place, request))
    }

    /// Returns the number of requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.limit - self.shared.places.available_permits()
    }

    /// Returns the number of messages that were dropped since no call waited for them: late replies, second replies to
    /// the same request, and messages that are no replies.
    #[must_use]
    pub fn late_replies(&self) -> u64 {
        self.shared.waiting.late.load(Ordering::Relaxed)
    }

    /// Ends the client and its socket, as [`Dealer::close`] does. Requests in flight fail.
    pub async fn close(&self, linger: Duration) -> CloseSummary {
        self.dealer().close(linger).await
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

impl Shared {
    /// Starts the dispatcher. It is a task of its own, since a request that isn't polled must not delay other requests.
    fn start(&self) {
        self.started.get_or_init(|| {
            // Shared without keeping the socket open: it ends when the last client is dropped, and the task with it.
            let (core, waiting) = (self.dealer.core.share(), Arc::clone(&self.waiting));
            tokio::spawn(async move {
                // Without the socket's time for receiving, which is no concern of requests.
                while let Ok(reply) = core.recv_by(Inbound::pop_message).await {
                    waiting.dispatch(reply);
                }
                waiting.close();
            });
        });
    }
}

/// Requests that wait for their replies, by id.
struct Waiting {
    requests: Mutex<Requests>,
    late: AtomicU64,
}

struct Requests {
    next_id: u64,
    replies: HashMap<u64, oneshot::Sender<Message>>,
    closed: bool,
}

impl Waiting {
    fn new() -> Self {
        // A random beginning: replies to an earlier run of the program are no replies to this one's requests.
        let requests = Requests { next_id: fastrand::u64(..), replies: HashMap::new(), closed: false };
        Self { requests: Mutex::new(requests), late: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().expect("no panic holds the lock")
    }

    fn register(&self) -> Request<'_> {
        let (sender, reply) = oneshot::channel();
        let mut requests = self.lock();
        let id = requests.next_id;
        requests.next_id = id.wrapping_add(1);
        if !requests.closed {
            requests.replies.insert(id, sender);
        }
        Request { waiting: self, id, reply }
    }

    /// Passes a reply to its request.
    fn dispatch(&self, message: Message) {
        let reply =
            message.split_envelope().ok().and_then(|(envelope, reply)| Some((id_of(&envelope)?, reply)));
        let waiter = reply.and_then(|(id, reply)| Some((self.lock().replies.remove(&id)?, reply)));
        // A request may be given up between the two.
        if waiter.is_none_or(|(waiter, reply)| waiter.send(reply).is_err()) {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Fails all waiting requests, as the socket is closed.
    fn close(&self) {
        let mut requests = self.lock();
        requests.closed = true;
        requests.replies.clear();
    }
}

/// Drop guard of a request that waits for its reply: forgets it.
struct Request<'a> {
    waiting: &'a Waiting,
    id: u64,
    reply: oneshot::Receiver<Message>,
}

impl Request<'_> {
    fn envelope(&self) -> Envelope {
        Envelope::of(&[&self.id.to_be_bytes()[..], &[]])
    }

    async fn reply(mut self) -> Result<Message, Closed> {
        (&mut self.reply).await.map_err(|_| Closed)
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.waiting.lock().replies.remove(&self.id);
    }
}

/// Returns the id in the envelope of a reply: a frame of eight bytes, then an empty frame.
fn id_of(envelope: &Envelope) -> Option<u64> {
    let mut frames = envelope.iter();
    let id = frames.next()?.try_into().ok()?;
    (frames.next()?.is_empty() && frames.next().is_none()).then(|| u64::from_be_bytes(id))
}

async fn with_deadline<T>(until: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => timeout_at(until, future).await.ok(),
        None => Some(future.await),
    }
}
