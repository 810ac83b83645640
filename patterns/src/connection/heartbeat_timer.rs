//! Keeps watch over a peer: the heartbeats of one connection, with a timer of the runtime.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{Command, Heartbeat, HeartbeatAction, HeartbeatConfig, Ping, Version};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::ConnectionError;

/// Nothing, and hardly any memory, until there is something to watch for.
#[derive(Debug)]
pub(super) struct HeartbeatTimer {
    running: Option<Box<Running>>,
    /// When the handshake was complete.
    begin: Instant,
}

/// Command that is to be written now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeartbeatFrame {
    /// A PING. When it is written, that is to be told.
    Ping(Bytes),
    Pong(Bytes),
}

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

    /// The peer has sent bytes.
    pub(super) fn handle_traffic(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_traffic(now());
        }
    }

    /// The peer isn't read: its silence is our doing.
    pub(super) fn handle_unread(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_unread(now());
        }
    }

    /// The peer is read.
    pub(super) fn handle_reading(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_reading();
        }
    }

    /// A PING of ours is written whole.
    pub(super) fn handle_written(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_written(now());
        }
    }

    /// The peer took more, after the kernel had no room.
    pub(super) fn handle_progress(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.handle_progress(now());
        }
    }

    /// The peer has sent a PING. It may set itself a time, whether we send any or not; and it is to hear from us also while
    /// it isn't read.
    pub(super) fn handle_ping(&mut self, ping: &Ping) {
        self.start(HeartbeatConfig::default()).handle_ping(ping, now());
    }

    /// Gives what is due, if anything is, and sees to it that the task is woken for what comes next.
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

fn framed(command: &Command) -> Bytes {
    let mut frame = BytesMut::new();
    command.encode(Version::V3_1, &mut frame);
    frame.freeze()
}
