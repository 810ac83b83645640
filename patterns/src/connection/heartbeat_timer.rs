//! The heartbeats of one connection, with a timer of the runtime.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{Command, Heartbeat, HeartbeatAction, HeartbeatConfig, Ping, Version};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::ConnectionError;

/// The heartbeats of a connection and their timer. Allocated only once heartbeats are configured or the peer has sent
/// a PING.
#[derive(Debug)]
pub(super) struct HeartbeatTimer {
    running: Option<Box<Running>>,
    /// Time at which the handshake was complete.
    begin: Instant,
}

/// A command that is due, in wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeartbeatFrame {
    /// A PING. Its sender has to call [`HeartbeatTimer::handle_written`] once it is written.
    Ping(Bytes),
    Pong(Bytes),
}

/// Heartbeats that are in progress.
#[derive(Debug)]
struct Running {
    heartbeat: Heartbeat,
    timer: Pin<Box<Sleep>>,
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl HeartbeatTimer {
    pub(super) fn new(config: HeartbeatConfig) -> Self {
        let mut timer = Self { running: None, begin: Instant::now() };
        if !config.interval.is_zero() {
            timer.start(config);
        }
        timer
    }

    /// Returns the heartbeats, and creates them at the first call.
    fn start(&mut self, config: HeartbeatConfig) -> &mut Heartbeat {
        let begin = self.begin;
        let running = self.running.get_or_insert_with(|| {
            Box::new(Running {
                heartbeat: Heartbeat::new(config, begin.into_std()),
                timer: Box::pin(sleep_until(Instant::now())),
            })
        });
        &mut running.heartbeat
    }

    fn heartbeat(&mut self) -> Option<&mut Heartbeat> {
        Some(&mut self.running.as_mut()?.heartbeat)
    }

    /// Notes that the peer has sent bytes.
    pub(super) fn handle_traffic(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_traffic(now());
        }
    }

    /// Notes that the peer isn't read: it can't be heard meanwhile.
    pub(super) fn handle_unread(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_unread(now());
        }
    }

    /// Notes that the peer is read again.
    pub(super) fn handle_reading(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_reading();
        }
    }

    /// Notes that our PING is written whole.
    pub(super) fn handle_written(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_written(now());
        }
    }

    /// Notes that the kernel has room again: the peer reads.
    pub(super) fn handle_progress(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_progress(now());
        }
    }

    /// Notes that the peer has sent a PING. Its TTL counts whether we send PINGs or not, and it gets PONGs also while
    /// it isn't read.
    pub(super) fn handle_ping(&mut self, ping: &Ping) {
        self.start(HeartbeatConfig::default()).handle_ping(ping, now());
    }

    /// Returns the command that is due, if any, and sets the timer for the next.
    ///
    /// # Errors
    /// The peer was silent for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Result<Option<HeartbeatFrame>, ConnectionError> {
        let Some(running) = &mut self.running else { return Ok(None) };
        loop {
            match running.heartbeat.poll(now()) {
                HeartbeatAction::Wait(None) => return Ok(None),
                HeartbeatAction::Wait(Some(at)) => {
                    if running.timer.deadline().into_std() != at {
                        running.timer.as_mut().reset(at.into());
                    }
                    if running.timer.as_mut().poll(cx) == Poll::Pending {
                        return Ok(None);
                    }
                }
                HeartbeatAction::Ping(ping) => {
                    return Ok(Some(HeartbeatFrame::Ping(framed(&Command::Ping(ping)))));
                }
                HeartbeatAction::Pong => {
                    return Ok(Some(HeartbeatFrame::Pong(framed(&Command::Pong(Bytes::new())))));
                }
                HeartbeatAction::Timeout => return Err(ConnectionError::HeartbeatTimeout),
            }
        }
    }
}

/// Returns the command in wire form.
fn framed(command: &Command) -> Bytes {
    let mut frame = BytesMut::new();
    command.encode(Version::V3_1, &mut frame);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn poll(timer: &mut HeartbeatTimer) -> Result<Option<HeartbeatFrame>, ConnectionError> {
        timer.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_heartbeat_timeout_restarts_when_the_peer_reads() {
        let config =
            HeartbeatConfig { interval: SECOND, timeout: Some(SECOND), ..HeartbeatConfig::default() };
        let mut timer = HeartbeatTimer::new(config);
        advance(SECOND).await;
        assert!(matches!(poll(&mut timer), Ok(Some(HeartbeatFrame::Ping(_)))));
        timer.handle_written();
        advance(SECOND / 2).await;
        timer.handle_progress();
        advance(SECOND * 3 / 4).await;
        assert!(poll(&mut timer).is_ok(), "it has read since");
        advance(SECOND / 4).await;
        assert!(matches!(poll(&mut timer), Err(ConnectionError::HeartbeatTimeout)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_read_again_gets_no_more_unsolicited_pongs() {
        let mut timer = HeartbeatTimer::new(HeartbeatConfig::default());
        let ping = Ping { ttl: 0, context: Bytes::new() };
        advance(SECOND * 10).await;
        timer.handle_ping(&ping);
        timer.handle_unread();
        advance(SECOND * 5).await;
        assert!(matches!(poll(&mut timer), Ok(Some(HeartbeatFrame::Pong(_)))));
        timer.handle_reading();
        advance(SECOND * 60).await;
        assert_eq!(poll(&mut timer).unwrap(), None);
    }
}
