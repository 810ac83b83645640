//! Events at a socket's endpoints, and the monitors that receive them.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::ReusableBoxFuture;

use crate::endpoint::Endpoint;
use crate::error::{BindError, Closed, ConnectionError};
pub use crate::log_limiter::LogLimiter;
use crate::peer::PeerInfo;

/// Something that happened at an endpoint of a socket. `endpoint` is always the socket's own: where it listens, or what
/// it connects to. `address` is where the peer is: an IP address and a port, or `:uid:gid:pid` of a process on this
/// machine.
///
/// ```text
///   bind     Listening | BindFailed
///            ( Accepted  (HandshakeSucceeded  Disconnected | HandshakeFailed) | AcceptFailed )*  Closed
///   connect  ( Connecting  ( Connected  (HandshakeSucceeded  Disconnected | HandshakeFailed) | ConnectFailed )
///              ConnectRetried )*  Closed
/// ```
///
/// An accepted connection is open for as long as it takes: many handshakes go on at a time, and `Closed` may come
/// before the last `Disconnected`. Within the process there is no transport to tell of, and so neither `Accepted` nor
/// `Connected`.
///
/// | libzmq has `ZMQ_EVENT_…` | here |
/// |---|---|
/// | `LISTENING`, `BIND_FAILED` | `Listening`, `BindFailed` |
/// | `ACCEPTED`, `ACCEPT_FAILED` | `Accepted`, `AcceptFailed` |
/// | `CONNECT_DELAYED` | `Connecting` |
/// | `CONNECTED` | `Connected` |
/// | `CONNECT_RETRIED` | `ConnectRetried` |
/// | `HANDSHAKE_SUCCEEDED` | `HandshakeSucceeded`, with all that is known of the peer |
/// | `HANDSHAKE_FAILED_NO_DETAIL`, `…_PROTOCOL`, `…_AUTH` | `HandshakeFailed`, with the reason |
/// | `DISCONNECTED` after a handshake | `Disconnected`, with the reason |
/// | `DISCONNECTED` before that | `HandshakeFailed` says it all |
/// | `CLOSED` of a listener | `Closed` |
/// | `CLOSED` of a connection that failed | `ConnectFailed`; `Closed` is the end of all attempts |
/// | `CLOSE_FAILED` | nothing: closing doesn't fail |
/// | `MONITOR_STOPPED` | the end of the stream |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MonitorEvent {
    /// The socket listens.
    Listening {
        /// The endpoint, with host and port filled in.
        endpoint: Endpoint,
    },
    /// The socket couldn't be bound; `bind` returns the same error.
    BindFailed {
        /// The endpoint that was to be bound.
        endpoint: Endpoint,
        /// The reason.
        error: BindError,
    },
    /// A peer has connected. The handshake follows.
    Accepted {
        /// The endpoint where the socket listens.
        endpoint: Endpoint,
        /// The address of the peer.
        address: String,
    },
    /// A connection couldn't be accepted: it was gone already, or the system has no room. Listening goes on.
    AcceptFailed {
        /// The endpoint where the socket listens.
        endpoint: Endpoint,
        /// The error that the system reported.
        error: Arc<io::Error>,
    },
    /// The socket tries to connect.
    Connecting {
        /// The endpoint that it connects to.
        endpoint: Endpoint,
    },
    /// A peer was reached. The handshake follows.
    Connected {
        /// The endpoint that the socket has connected to.
        endpoint: Endpoint,
        /// The address of the peer.
        address: String,
    },
    /// No peer could be reached. The socket tries again.
    ConnectFailed {
        /// The endpoint that couldn't be connected to.
        endpoint: Endpoint,
        /// The reason.
        error: Arc<ConnectionError>,
    },
    /// A connection that ended, or never came about, is tried again, after a while.
    ConnectRetried {
        /// The endpoint that the socket connects to.
        endpoint: Endpoint,
        /// The time until the next attempt, from now on.
        after: Duration,
    },
    /// A peer is there: from now on messages go to it and come from it.
    HandshakeSucceeded {
        /// Information about the peer.
        peer: Arc<PeerInfo>,
    },
    /// The handshake failed, and its connection has ended. [`ConnectionError`] says whether the peer breaks the
    /// protocol, doesn't fit, isn't let in, or is too slow, and whether the next attempt is expected to fail likewise.
    HandshakeFailed {
        /// The endpoint that the peer came to, or was found at.
        endpoint: Endpoint,
        /// The address of the peer; empty within the process.
        address: String,
        /// The reason.
        error: Arc<ConnectionError>,
    },
    /// A connected peer has gone.
    Disconnected {
        /// The peer, as it was when it came.
        peer: Arc<PeerInfo>,
        /// The reason.
        reason: Arc<ConnectionError>,
    },
    /// The socket no longer listens there, or no longer connects to it.
    Closed {
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// The monitor was read too slowly: it has missed the events that were next.
    Missed {
        /// The number of missed events.
        events: u64,
    },
}

impl MonitorEvent {
    /// Returns the endpoint of ours where the event happened; `None` for [`Missed`](Self::Missed).
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Listening { endpoint }
            | Self::BindFailed { endpoint, .. }
            | Self::Accepted { endpoint, .. }
            | Self::AcceptFailed { endpoint, .. }
            | Self::Connecting { endpoint }
            | Self::Connected { endpoint, .. }
            | Self::ConnectFailed { endpoint, .. }
            | Self::ConnectRetried { endpoint, .. }
            | Self::HandshakeFailed { endpoint, .. }
            | Self::Closed { endpoint } => Some(endpoint),
            Self::HandshakeSucceeded { peer } | Self::Disconnected { peer, .. } => Some(&peer.endpoint),
            Self::Missed { .. } => None,
        }
    }
}

/// A stream of the [`MonitorEvent`]s at a socket, from the moment the monitor was asked for until the socket ends.
/// Every socket has a `monitor` method that returns a monitor.
///
/// A slow listener holds nothing up. The last 1024 events are kept for it; then it loses the oldest, and is told
/// [how many](MonitorEvent::Missed). A monitor doesn't keep its socket open.
///
/// ```
/// use enfonet::{Dealer, Router};
/// use enfonet::monitor::MonitorEvent;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Router::new();
/// let mut monitor = server.monitor();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
///
/// let client = Dealer::new();
/// client.connect(&endpoint)?;
/// loop {
///     match monitor.recv().await? {
///         MonitorEvent::HandshakeSucceeded { peer } => break println!("{} is here", peer.address),
///         MonitorEvent::HandshakeFailed { address, error, .. } => println!("{address} stays out: {error}"),
///         event => println!("{event:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Monitor(ReusableBoxFuture<'static, Next>);

/// The next event, or the reason why there is none, and the receiver of the event after it.
type Next = (Result<MonitorEvent, RecvError>, broadcast::Receiver<MonitorEvent>);

async fn next(mut events: broadcast::Receiver<MonitorEvent>) -> Next {
    (events.recv().await, events)
}

impl Monitor {
    fn new(events: broadcast::Receiver<MonitorEvent>) -> Self {
        Self(ReusableBoxFuture::new(next(events)))
    }

    /// Returns the next event. Cancel safe.
    ///
    /// # Errors
    /// [`Closed`]: the socket has ended, and all that happened has been told.
    pub async fn recv(&mut self) -> Result<MonitorEvent, Closed> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.ok_or(Closed)
    }
}

impl Stream for Monitor {
    type Item = MonitorEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MonitorEvent>> {
        let (event, events) = std::task::ready!(self.0.poll(cx));
        self.0.set(next(events));
        Poll::Ready(match event {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(events)) => Some(MonitorEvent::Missed { events }),
            Err(RecvError::Closed) => None,
        })
    }
}

/// Maximum number of events that wait for each monitor.
const KEPT: usize = 1024;

/// All monitors of one socket. While there are none, an event costs only a look.
#[derive(Debug, Default)]
pub(crate) struct Monitors(Mutex<Listeners>);

#[derive(Debug, Default)]
enum Listeners {
    /// There is no memory for events.
    #[default]
    None,
    Some(broadcast::Sender<MonitorEvent>),
    /// The socket has ended.
    Over,
}

impl Monitors {
    /// Adds a monitor. When the socket has ended, the monitor ends at once.
    pub(crate) fn listen(&self) -> Monitor {
        let mut listeners = self.listeners();
        Monitor::new(match &*listeners {
            Listeners::None => {
                let (sender, events) = broadcast::channel(KEPT);
                *listeners = Listeners::Some(sender);
                events
            }
            Listeners::Some(sender) => sender.subscribe(),
            Listeners::Over => broadcast::channel(1).1,
        })
    }

    /// Tells all monitors of an event, which isn't made when there are none. Never waits.
    pub(crate) fn tell(&self, event: impl FnOnce() -> MonitorEvent) {
        let sender = {
            let mut listeners = self.listeners();
            match &*listeners {
                Listeners::Some(sender) if sender.receiver_count() > 0 => sender.clone(),
                Listeners::Some(_) => {
                    *listeners = Listeners::None;
                    return;
                }
                Listeners::None | Listeners::Over => return,
            }
        };
        // It fails when no monitor is left: no harm.
        let _ = sender.send(event());
    }

    /// Ends all monitors, since the socket has ended.
    pub(crate) fn end(&self) {
        *self.listeners() = Listeners::Over;
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.0.lock().expect("no panic holds the lock")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn closed(n: usize) -> MonitorEvent {
        MonitorEvent::Closed { endpoint: Endpoint::Inproc(n.to_string()) }
    }

    fn name(event: MonitorEvent) -> String {
        event.endpoint().unwrap().to_string()
    }

    #[test]
    fn events_are_not_made_when_nobody_listens_or_has_left() {
        let monitors = Monitors::default();
        monitors.tell(|| panic!("nobody listens"));
        drop(monitors.listen());
        monitors.tell(|| panic!("nobody listens any more"));
        assert!(matches!(*monitors.listeners(), Listeners::None), "the memory has gone");
        let mut monitor = monitors.listen();
        monitors.tell(|| closed(1));
        assert_eq!(monitor.recv().now_or_never().unwrap().map(name), Ok("inproc://1".into()));
        assert!(monitor.recv().now_or_never().is_none());
    }

    #[test]
    fn each_monitor_hears_what_happens_after_it_was_asked_for() {
        let monitors = Monitors::default();
        let mut first = monitors.listen();
        monitors.tell(|| closed(1));
        let mut second = monitors.listen();
        monitors.tell(|| closed(2));
        monitors.end();
        let heard = |monitor: &mut Monitor| {
            std::iter::from_fn(|| monitor.next().now_or_never().unwrap()).map(name).collect::<Vec<_>>()
        };
        assert_eq!(heard(&mut first), ["inproc://1", "inproc://2"]);
        assert_eq!(heard(&mut second), ["inproc://2"]);
        assert!(matches!(monitors.listen().recv().now_or_never(), Some(Err(Closed))));
    }

    #[test]
    fn a_slow_listener_loses_the_oldest_and_is_told_how_many() {
        let monitors = Monitors::default();
        let mut slow = monitors.listen();
        (0..KEPT + 5).for_each(|n| monitors.tell(|| closed(n)));
        let mut heard = || slow.recv().now_or_never().unwrap().unwrap();
        assert!(matches!(heard(), MonitorEvent::Missed { events: 5 }));
        (5..KEPT + 5).for_each(|n| assert_eq!(name(heard()), format!("inproc://{n}")));
        assert!(slow.recv().now_or_never().is_none());
    }
}
