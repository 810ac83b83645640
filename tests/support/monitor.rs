//! Events that a socket of ours tells of its endpoints, one after another.

use std::sync::Arc;

use enfonet::error::ConnectionError;
use enfonet::monitor::{Monitor, MonitorEvent};

use crate::Runtime;

/// A monitor, and the runtime of its socket.
#[derive(Debug)]
pub struct Told<'a> {
    runtime: &'a Runtime,
    monitor: Monitor,
}

impl<'a> Told<'a> {
    /// All that is told from now on.
    #[must_use]
    pub const fn by(runtime: &'a Runtime, monitor: Monitor) -> Self {
        Self { runtime, monitor }
    }

    /// The next event.
    ///
    /// # Panics
    /// When none comes in time, or the socket has ended.
    #[track_caller]
    pub fn event(&mut self) -> MonitorEvent {
        self.runtime.run(self.monitor.recv()).expect("the socket is open")
    }

    /// Expects events of these names next; gives the last one.
    ///
    /// # Panics
    /// When there are others.
    #[track_caller]
    pub fn expect(&mut self, names: &[&str]) -> MonitorEvent {
        let mut events: Vec<_> = names.iter().map(|_| self.event()).collect();
        assert_eq!(events.iter().map(name).collect::<Vec<_>>(), names, "{events:#?}");
        events.pop().expect("one name at least")
    }

    /// Passes over what comes before an event of that name, and gives it.
    ///
    /// # Panics
    /// When none comes in time.
    #[track_caller]
    pub fn wait(&mut self, wanted: &str) -> MonitorEvent {
        loop {
            let event = self.event();
            if name(&event) == wanted {
                return event;
            }
        }
    }

    /// Expects the end.
    ///
    /// # Panics
    /// When there are more events.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert!(self.runtime.run(self.monitor.recv()).is_err(), "there are more events");
    }
}

/// The name of an event.
fn name(event: &MonitorEvent) -> String {
    let text = format!("{event:?}");
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// Why something failed, or somebody has gone.
///
/// # Panics
/// When the event has no such reason.
#[must_use]
#[track_caller]
pub fn why(event: MonitorEvent) -> Arc<ConnectionError> {
    match event {
        MonitorEvent::ConnectFailed { error, .. } | MonitorEvent::HandshakeFailed { error, .. } => error,
        MonitorEvent::Disconnected { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}
