//! Reader of the monitor events of a socket of ours.

use std::sync::Arc;

use enfonet::error::ConnectionError;
use enfonet::monitor::{Monitor, MonitorEvent};

use crate::Runtime;

/// A monitor and the runtime of its socket.
#[derive(Debug)]
pub struct EventReader<'a> {
    runtime: &'a Runtime,
    monitor: Monitor,
}

impl<'a> EventReader<'a> {
    /// Reads the events of a monitor.
    #[must_use]
    pub const fn new(runtime: &'a Runtime, monitor: Monitor) -> Self {
        Self { runtime, monitor }
    }

    /// Returns the next event.
    ///
    /// # Panics
    /// When none arrives in time, or the socket has ended.
    #[track_caller]
    pub fn event(&mut self) -> MonitorEvent {
        self.runtime.run(self.monitor.recv()).expect("the socket is open")
    }

    /// Asserts the names of the next events, and returns the last event.
    ///
    /// # Panics
    /// When other events arrive.
    #[track_caller]
    pub fn expect(&mut self, names: &[&str]) -> MonitorEvent {
        let mut events: Vec<_> = names.iter().map(|_| self.event()).collect();
        assert_eq!(events.iter().map(name).collect::<Vec<_>>(), names, "{events:#?}");
        events.pop().expect("one name at least")
    }

    /// Skips to the next event of this name, and returns it.
    ///
    /// # Panics
    /// When none arrives in time.
    #[track_caller]
    pub fn wait(&mut self, wanted: &str) -> MonitorEvent {
        loop {
            let event = self.event();
            if name(&event) == wanted {
                return event;
            }
        }
    }

    /// Asserts that no further event follows.
    ///
    /// # Panics
    /// When there are more events.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert!(self.runtime.run(self.monitor.recv()).is_err(), "there are more events");
    }
}

/// Returns the name of an event.
fn name(event: &MonitorEvent) -> String {
    let text = format!("{event:?}");
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// Returns the error of a failure or a disconnect.
///
/// # Panics
/// When the event has no such error.
#[must_use]
#[track_caller]
pub fn error_of(event: MonitorEvent) -> Arc<ConnectionError> {
    match event {
        MonitorEvent::ConnectFailed { error, .. } | MonitorEvent::HandshakeFailed { error, .. } => error,
        MonitorEvent::Disconnected { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}
