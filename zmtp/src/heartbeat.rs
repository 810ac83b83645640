//! When to ask a silent peer for a sign of life, and when to give it up (RFC 37, "Connection Heartbeating").
//!
//! Time is handed in. The order of calls at each turn: `handle_*` for what has happened, then
//! [`poll`](Heartbeat::poll) until it answers [`Pulse::Wait`].

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::Ping;

/// What is asked of heartbeats. All off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// How often a PING is sent; zero: never.
    pub interval: Duration,
    /// How long the peer may wait for another sign of life of ours before it gives us up; zero: for ever.
    /// Told in tenths of a second, and at most as 65.5 s: libzmq counts no further.
    pub ttl: Duration,
    /// How long a PING may stay without any sign of life; `None`: as long as the interval.
    pub timeout: Option<Duration>,
}

/// The heartbeats of one connection.
#[derive(Debug)]
pub struct Heartbeat {
    config: HeartbeatConfig,
    /// When the next PING is due.
    ping_at: Option<Instant>,
    /// When the peer is given up, unless something comes: an answer to our PING is awaited.
    answer_by: Option<Instant>,
    /// The same, for the time that the peer set itself.
    alive_by: Option<Instant>,
    peer_ttl: Duration,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Nothing, until then; `None`: until something happens.
    Wait(Option<Instant>),
    /// Send this PING.
    Ping(Ping),
    /// Close the connection: the peer is silent for too long.
    Dead,
}

/// libzmq holds a TTL in milliseconds in 16 bits: more than this would wrap there.
const MAX_TTL: u128 = 655;

impl Heartbeat {
    /// The heartbeats of a connection whose handshake is complete now.
    #[must_use]
    pub fn new(config: HeartbeatConfig, now: Instant) -> Self {
        let ping_at = now.checked_add(config.interval).filter(|_| config.interval > Duration::ZERO);
        Self { config, ping_at, answer_by: None, alive_by: None, peer_ttl: Duration::ZERO }
    }

    /// Octets have come from the peer: any are a sign of life, also parts of a frame.
    pub fn handle_traffic(&mut self, now: Instant) {
        self.answer_by = None;
        if self.peer_ttl > Duration::ZERO {
            self.alive_by = Some(now + self.peer_ttl);
        }
    }

    /// The peer has sent a PING: it may set itself a time within which it will be heard again.
    pub fn handle_ping(&mut self, ping: &Ping, now: Instant) {
        self.peer_ttl = ping.ttl().unwrap_or_default();
        self.alive_by = ping.ttl().map(|ttl| now + ttl);
    }

    /// The peer isn't read, since what it sent waits here: its silence means nothing. To be called at each
    /// turn for as long as that lasts.
    pub fn handle_unread(&mut self, now: Instant) {
        self.handle_traffic(now);
    }

    /// What is to be done now.
    pub fn poll(&mut self, now: Instant) -> Pulse {
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_over(self.answer_by) || is_over(self.alive_by) {
            return Pulse::Dead;
        }
        if is_over(self.ping_at) {
            self.ping_at = now.checked_add(self.config.interval);
            // An unanswered PING is enough: more would pile up at a peer that is slow.
            if self.answer_by.is_none() {
                self.answer_by = now.checked_add(self.config.timeout.unwrap_or(self.config.interval));
                let tenths = (self.config.ttl.as_millis() / 100).min(MAX_TTL);
                return Pulse::Ping(Ping { ttl: tenths as u16, context: Bytes::new() });
            }
        }
        Pulse::Wait([self.ping_at, self.answer_by, self.alive_by].into_iter().flatten().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ping(ttl: u16) -> Ping {
        Ping { ttl, context: Bytes::new() }
    }

    fn every(interval: Duration) -> HeartbeatConfig {
        HeartbeatConfig { interval, ..HeartbeatConfig::default() }
    }

    #[test]
    fn without_an_interval_nothing_is_ever_due() {
        let now = Instant::now();
        assert_eq!(Heartbeat::new(HeartbeatConfig::default(), now).poll(now), Pulse::Wait(None));
    }

    #[test]
    fn what_lies_beyond_all_time_never_comes() {
        let (now, ever) = (Instant::now(), Duration::MAX);
        assert_eq!(Heartbeat::new(every(ever), now).poll(now), Pulse::Wait(None));
        let patient = HeartbeatConfig { timeout: Some(ever), ..every(SECOND) };
        let mut heartbeat = Heartbeat::new(patient, now);
        assert_eq!(heartbeat.poll(now + SECOND), Pulse::Ping(ping(0)));
        assert_eq!(heartbeat.poll(now + SECOND), Pulse::Wait(Some(now + 2 * SECOND)));
    }

    #[test]
    fn a_ping_is_due_after_each_interval_whatever_the_traffic() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(every(SECOND), start);
        assert_eq!(heartbeat.poll(start), Pulse::Wait(Some(start + SECOND)));
        for n in 1..4 {
            let now = start + n * SECOND;
            assert_eq!(heartbeat.poll(now), Pulse::Ping(ping(0)), "second {n}");
            for later in [now, now + SECOND / 2] {
                heartbeat.handle_traffic(later);
                assert_eq!(heartbeat.poll(later), Pulse::Wait(Some(now + SECOND)));
            }
        }
    }

    #[test]
    fn a_peer_that_stays_silent_after_a_ping_is_dead_and_got_only_one() {
        let start = Instant::now();
        let config = HeartbeatConfig { timeout: Some(3 * SECOND), ..every(SECOND) };
        let mut heartbeat = Heartbeat::new(config, start);
        assert_eq!(heartbeat.poll(start + SECOND), Pulse::Ping(ping(0)));
        assert_eq!(heartbeat.poll(start + 2 * SECOND), Pulse::Wait(Some(start + 3 * SECOND)));
        assert_eq!(heartbeat.poll(start + 3 * SECOND), Pulse::Wait(Some(start + 4 * SECOND)));
        assert_eq!(heartbeat.poll(start + 4 * SECOND), Pulse::Dead);
    }

    #[test]
    fn the_time_that_a_peer_sets_itself_counts_from_its_last_octets_even_without_an_interval() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        heartbeat.handle_ping(&ping(20), start);
        assert_eq!(heartbeat.poll(start), Pulse::Wait(Some(start + 2 * SECOND)));
        heartbeat.handle_traffic(start + SECOND);
        assert_eq!(heartbeat.poll(start + 2 * SECOND), Pulse::Wait(Some(start + 3 * SECOND)));
        heartbeat.handle_ping(&ping(0), start + 2 * SECOND);
        assert_eq!(heartbeat.poll(start + 9 * SECOND), Pulse::Wait(None));
        heartbeat.handle_ping(&ping(700), start);
        assert_eq!(heartbeat.poll(start + 69 * SECOND), Pulse::Wait(Some(start + 70 * SECOND)));
        assert_eq!(heartbeat.poll(start + 70 * SECOND), Pulse::Dead);
    }

    #[test]
    fn a_peer_that_is_not_read_is_not_dead() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(every(SECOND), start);
        heartbeat.handle_ping(&ping(10), start);
        assert_eq!(heartbeat.poll(start + SECOND / 2), Pulse::Wait(Some(start + SECOND)));
        heartbeat.handle_unread(start + SECOND);
        assert_eq!(heartbeat.poll(start + SECOND), Pulse::Ping(ping(0)));
        heartbeat.handle_unread(start + 2 * SECOND);
        assert_eq!(heartbeat.poll(start + 2 * SECOND), Pulse::Ping(ping(0)));
    }

    #[test]
    fn our_ttl_is_told_in_tenths_and_never_wraps_at_libzmq() {
        for (ttl, told) in [(Duration::from_millis(250), 2), (65 * SECOND, 650), (70 * SECOND, 655)] {
            let start = Instant::now();
            let mut heartbeat = Heartbeat::new(HeartbeatConfig { ttl, ..every(SECOND) }, start);
            assert_eq!(heartbeat.poll(start + SECOND), Pulse::Ping(ping(told)));
        }
    }
}
