//! Events at a socket's endpoints, and the monitors that receive them.

mod event;
mod totals;

pub use event::MonitorEvent;
pub(crate) use totals::EventCounters;
pub use totals::{DropReason, EndReason, Totals};

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::ReusableBoxFuture;

use crate::error::Closed;
pub use crate::escaped::Escaped;
pub use crate::log_limiter::LogLimiter;

/// A stream of the [`MonitorEvent`]s at a socket, from the call of the socket's `monitor` method until the socket ends.
///
/// A slow receiver holds nothing up. A monitor keeps the last 1024 events that aren't received yet. It drops older
/// events, and reports [how many](MonitorEvent::Missed). A monitor doesn't keep its socket open.
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
    /// [`Closed`]: the socket has ended, and all its events have been received.
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

/// All monitors of one socket. Without monitors, an event costs no more than a check.
#[derive(Debug, Default)]
pub(crate) struct Monitors(Mutex<Listeners>);

#[derive(Debug, Default)]
enum Listeners {
    /// No monitor is left, and so no memory for events.
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

    /// Sends an event to all monitors. Without monitors, the event isn't created. Never waits.
    pub(crate) fn emit(&self, event: impl FnOnce() -> MonitorEvent) {
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
        // Fails only when no monitor is left to receive it.
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
    use crate::endpoint::Endpoint;

    fn closed(n: usize) -> MonitorEvent {
        MonitorEvent::Closed { endpoint: Endpoint::Inproc(n.to_string()) }
    }

    fn name(event: MonitorEvent) -> String {
        event.endpoint().unwrap().to_string()
    }

    #[test]
    fn events_are_not_constructed_without_a_monitor() {
        let monitors = Monitors::default();
        monitors.emit(|| panic!("nobody listens"));
        drop(monitors.listen());
        monitors.emit(|| panic!("nobody listens any more"));
        assert!(matches!(*monitors.listeners(), Listeners::None), "the memory has gone");
        let mut monitor = monitors.listen();
        monitors.emit(|| closed(1));
        assert_eq!(monitor.recv().now_or_never().unwrap().map(name), Ok("inproc://1".into()));
        assert!(monitor.recv().now_or_never().is_none());
    }

    #[test]
    fn each_monitor_receives_the_events_after_its_creation() {
        let monitors = Monitors::default();
        let mut first = monitors.listen();
        monitors.emit(|| closed(1));
        let mut second = monitors.listen();
        monitors.emit(|| closed(2));
        monitors.end();
        let heard = |monitor: &mut Monitor| {
            std::iter::from_fn(|| monitor.next().now_or_never().unwrap()).map(name).collect::<Vec<_>>()
        };
        assert_eq!(heard(&mut first), ["inproc://1", "inproc://2"]);
        assert_eq!(heard(&mut second), ["inproc://2"]);
        assert!(matches!(monitors.listen().recv().now_or_never(), Some(Err(Closed))));
    }

    #[test]
    fn a_slow_monitor_loses_the_oldest_events_and_receives_their_number() {
        let monitors = Monitors::default();
        let mut slow = monitors.listen();
        (0..KEPT + 5).for_each(|n| monitors.emit(|| closed(n)));
        let mut heard = || slow.recv().now_or_never().unwrap().unwrap();
        assert!(matches!(heard(), MonitorEvent::Missed { events: 5 }));
        (5..KEPT + 5).for_each(|n| assert_eq!(name(heard()), format!("inproc://{n}")));
        assert!(slow.recv().now_or_never().is_none());
    }
}
