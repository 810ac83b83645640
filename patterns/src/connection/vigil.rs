//! Keeps watch over a peer: the heartbeats of one connection, with a timer of the runtime.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use enfonet_zmtp::{Heartbeat, HeartbeatConfig, Ping, Pulse};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::ConnectionError;

/// Nothing, and no memory, until there is something to watch for.
#[derive(Debug)]
pub(super) struct Vigil(Option<Box<Watch>>);

#[derive(Debug)]
struct Watch {
    heartbeat: Heartbeat,
    timer: Pin<Box<Sleep>>,
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl Vigil {
    pub(super) fn new(config: HeartbeatConfig) -> Self {
        let mut vigil = Self(None);
        if !config.interval.is_zero() {
            vigil.watch(config);
        }
        vigil
    }

    fn watch(&mut self, config: HeartbeatConfig) -> &mut Watch {
        self.0.get_or_insert_with(|| {
            Box::new(Watch {
                heartbeat: Heartbeat::new(config, now()),
                timer: Box::pin(sleep_until(Instant::now())),
            })
        })
    }

    /// The peer has sent octets, or isn't read.
    pub(super) fn handle_sign_of_life(&mut self) {
        if let Some(watch) = &mut self.0 {
            watch.heartbeat.handle_traffic(now());
        }
    }

    /// The peer has sent a PING. It may set itself a time, whether we send any or not.
    pub(super) fn handle_ping(&mut self, ping: &Ping) {
        if ping.ttl > 0 || self.0.is_some() {
            self.watch(HeartbeatConfig::default()).heartbeat.handle_ping(ping, now());
        }
    }

    /// Appends the PING that is due, and sees to it that the task is woken for the next.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Result<(), ConnectionError> {
        let Some(watch) = &mut self.0 else { return Ok(()) };
        loop {
            match watch.heartbeat.poll(now()) {
                Pulse::Wait(None) => return Ok(()),
                Pulse::Wait(Some(at)) => {
                    if watch.timer.deadline().into_std() != at {
                        watch.timer.as_mut().reset(at.into());
                    }
                    if watch.timer.as_mut().poll(cx) == Poll::Pending {
                        return Ok(());
                    }
                }
                Pulse::Ping(ping) => ping.put(out),
                Pulse::Dead => return Err(ConnectionError::Silent),
            }
        }
    }
}
