//! When to ask a silent peer for a sign of life, and when to give it up (RFC 37, "Connection Heartbeating").
//!
//! Time is handed in. The order of calls at each turn: `handle_*` for what has happened, then
//! [`poll`](Heartbeat::poll) until it answers [`HeartbeatAction::Wait`].

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::command::ping::Ping;

/// Configuration of heartbeats. All off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// Time between two PINGs; zero: no PINGs. With a TTL, PINGs are sent at least twice within the time that the peer
    /// is told.
    pub interval: Duration,
    /// Time that the peer may wait for another sign of life of ours before it gives us up; zero: for ever. The peer is
    /// told it in tenths of a second, and at most 65.5 s: libzmq counts no further.
    pub ttl: Duration,
    /// Time that may pass after a PING is written, without any sign of life of the peer; `None`: the interval; zero:
    /// any time.
    pub timeout: Option<Duration>,
}

impl HeartbeatConfig {
    /// The TTL in a PING.
    fn tenths(&self) -> u16 {
        (self.ttl.as_millis() / 100).min(MAX_TTL_TENTHS) as u16
    }

    /// The time between PINGs. A TTL is a promise to be heard again in time, so the interval isn't longer than half of
    /// what the peer was told: a PING may then be late, or the TTL be cut, and no idle connection ends.
    fn ping_interval(&self) -> Duration {
        match self.tenths() {
            0 => self.interval,
            tenths => self.interval.min(Duration::from_millis(u64::from(tenths) * 50)),
        }
    }

    fn answer_timeout(&self) -> Duration {
        self.timeout.unwrap_or(self.interval)
    }
}

/// The heartbeats of one connection.
#[derive(Debug)]
pub struct Heartbeat {
    config: HeartbeatConfig,
    /// When the next PING is due.
    ping_at: Option<Instant>,
    question: Question,
    /// When the peer is given up, unless something comes: the time that it set itself.
    alive_by: Option<Instant>,
    peer_ttl: Duration,
    /// When the peer asked last; before that, when the handshake was complete.
    asked_at: Instant,
    /// The time between the peer's last two PINGs.
    peer_interval: Option<Duration>,
    /// When a peer that isn't read gets a PONG that it didn't ask for.
    pong_at: Option<Instant>,
}

/// State of our last PING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// There is none, or the peer has been heard since.
    Answered,
    /// It isn't written yet, so its silence isn't the peer's. Another one would only wait behind it.
    Waiting,
    /// It is written. The peer is given up then, unless something comes.
    Written(Option<Instant>),
}

/// The action that [`Heartbeat::poll`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeartbeatAction {
    /// Do nothing until this time; `None`: until something happens.
    Wait(Option<Instant>),
    /// Send this PING, and call [`Heartbeat::handle_written`] when it is written.
    Ping(Ping),
    /// Send a PONG without a context: the peer's PINGs lie unread here.
    Pong,
    /// Close the connection: the peer is silent for too long.
    Timeout,
}

/// libzmq holds a TTL in milliseconds in 16 bits: more than this would wrap there.
const MAX_TTL_TENTHS: u128 = 655;
/// A peer whose PINGs follow each other faster isn't answered any faster while it isn't read.
const MIN_PONG_INTERVAL: Duration = Duration::from_millis(1);

impl Heartbeat {
    /// The heartbeats of a connection whose handshake was complete at `begin`.
    #[must_use]
    pub fn new(config: HeartbeatConfig, begin: Instant) -> Self {
        let ping_at = begin.checked_add(config.ping_interval()).filter(|_| config.interval > Duration::ZERO);
        Self {
            config,
            ping_at,
            question: Question::Answered,
            alive_by: None,
            peer_ttl: Duration::ZERO,
            asked_at: begin,
            peer_interval: None,
            pong_at: None,
        }
    }

    /// Bytes have come from the peer: any are a sign of life, also parts of a frame.
    pub fn handle_traffic(&mut self, now: Instant) {
        if self.question != Question::Waiting {
            self.question = Question::Answered;
        }
        self.extend_peer_ttl(now);
    }

    fn extend_peer_ttl(&mut self, now: Instant) {
        if self.peer_ttl > Duration::ZERO {
            self.alive_by = Some(now + self.peer_ttl);
        }
    }

    /// The peer has sent a PING: it may set itself a time within which it will be heard again.
    pub fn handle_ping(&mut self, ping: &Ping, now: Instant) {
        self.peer_ttl = ping.ttl().unwrap_or_default();
        self.alive_by = ping.ttl().map(|ttl| now + ttl);
        self.peer_interval = Some(now.saturating_duration_since(self.asked_at));
        self.asked_at = now;
    }

    /// The PING that [`poll`](Self::poll) gave is written whole: the peer's time to answer begins.
    pub fn handle_written(&mut self, now: Instant) {
        if self.question == Question::Waiting {
            self.question = Question::Written(self.answer_by(now));
        }
    }

    fn answer_by(&self, now: Instant) -> Option<Instant> {
        let timeout = self.config.answer_timeout();
        now.checked_add(timeout).filter(|_| timeout > Duration::ZERO)
    }

    /// The peer has made room for more, after it had taken nothing for a while: it reads, and our PING comes to it later.
    pub fn handle_progress(&mut self, now: Instant) {
        if let Question::Written(_) = self.question {
            self.question = Question::Written(self.answer_by(now));
        }
        self.extend_peer_ttl(now);
    }

    /// The peer isn't read, since what it sent waits here: its silence means nothing. A PING of the peer's would lie
    /// unread, so it gets PONGs that it didn't ask for, twice in the time between its PINGs. To be called at each turn for
    /// as long as that lasts.
    pub fn handle_unread(&mut self, now: Instant) {
        self.handle_traffic(now);
        if self.pong_at.is_none() {
            self.pong_at = self.pong_interval().map(|interval| now + interval);
        }
    }

    fn pong_interval(&self) -> Option<Duration> {
        self.peer_interval.map(|interval| (interval / 2).max(MIN_PONG_INTERVAL))
    }

    /// The peer is read again, and has sent no more than that: its PINGs, too, have been answered.
    pub fn handle_reading(&mut self) {
        self.pong_at = None;
    }

    /// Returns the action that is due now.
    pub fn poll(&mut self, now: Instant) -> HeartbeatAction {
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let answer_by = if let Question::Written(at) = self.question { at } else { None };
        if is_over(answer_by) || is_over(self.alive_by) {
            return HeartbeatAction::Timeout;
        }
        if is_over(self.pong_at) {
            self.pong_at = self.pong_interval().map(|interval| now + interval);
            return HeartbeatAction::Pong;
        }
        if is_over(self.ping_at) {
            self.ping_at = now.checked_add(self.config.ping_interval());
            // An unanswered PING is enough: more would pile up at a peer that is slow.
            if self.question == Question::Answered {
                self.question = Question::Waiting;
                return HeartbeatAction::Ping(Ping { ttl: self.config.tenths(), context: Bytes::new() });
            }
        }
        HeartbeatAction::Wait(
            [self.ping_at, answer_by, self.alive_by, self.pong_at].into_iter().flatten().min(),
        )
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

    /// A PING that is due is given, and written at once.
    fn ask(heartbeat: &mut Heartbeat, now: Instant) {
        assert_eq!(heartbeat.poll(now), HeartbeatAction::Ping(ping(0)));
        heartbeat.handle_written(now);
    }

    #[test]
    fn without_an_interval_nothing_is_ever_due() {
        let now = Instant::now();
        assert_eq!(Heartbeat::new(HeartbeatConfig::default(), now).poll(now), HeartbeatAction::Wait(None));
    }

    #[test]
    fn what_lies_beyond_all_time_never_comes() {
        let (now, ever) = (Instant::now(), Duration::MAX);
        assert_eq!(Heartbeat::new(every(ever), now).poll(now), HeartbeatAction::Wait(None));
        let patient = HeartbeatConfig { timeout: Some(ever), ..every(SECOND) };
        let mut heartbeat = Heartbeat::new(patient, now);
        ask(&mut heartbeat, now + SECOND);
        assert_eq!(heartbeat.poll(now + SECOND), HeartbeatAction::Wait(Some(now + 2 * SECOND)));
    }

    #[test]
    fn no_time_to_answer_is_for_ever() {
        let start = Instant::now();
        let config = HeartbeatConfig { timeout: Some(Duration::ZERO), ..every(SECOND) };
        let mut heartbeat = Heartbeat::new(config, start);
        ask(&mut heartbeat, start + SECOND);
        assert_eq!(heartbeat.poll(start + 9 * SECOND), HeartbeatAction::Wait(Some(start + 10 * SECOND)));
    }

    #[test]
    fn a_ping_is_due_after_each_interval_whatever_the_traffic() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(every(SECOND), start);
        assert_eq!(heartbeat.poll(start), HeartbeatAction::Wait(Some(start + SECOND)));
        for n in 1..4 {
            let now = start + n * SECOND;
            ask(&mut heartbeat, now);
            for later in [now, now + SECOND / 2] {
                heartbeat.handle_traffic(later);
                assert_eq!(heartbeat.poll(later), HeartbeatAction::Wait(Some(now + SECOND)));
            }
        }
    }

    #[test]
    fn a_peer_that_stays_silent_after_a_ping_is_dead_and_got_only_one() {
        let start = Instant::now();
        let config = HeartbeatConfig { timeout: Some(3 * SECOND), ..every(SECOND) };
        let mut heartbeat = Heartbeat::new(config, start);
        ask(&mut heartbeat, start + SECOND);
        assert_eq!(heartbeat.poll(start + 2 * SECOND), HeartbeatAction::Wait(Some(start + 3 * SECOND)));
        assert_eq!(heartbeat.poll(start + 3 * SECOND), HeartbeatAction::Wait(Some(start + 4 * SECOND)));
        assert_eq!(heartbeat.poll(start + 4 * SECOND), HeartbeatAction::Timeout);
    }

    #[test]
    fn the_time_that_a_peer_sets_itself_counts_from_its_last_bytes_even_without_an_interval() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        heartbeat.handle_ping(&ping(20), start);
        assert_eq!(heartbeat.poll(start), HeartbeatAction::Wait(Some(start + 2 * SECOND)));
        heartbeat.handle_traffic(start + SECOND);
        assert_eq!(heartbeat.poll(start + 2 * SECOND), HeartbeatAction::Wait(Some(start + 3 * SECOND)));
        heartbeat.handle_ping(&ping(0), start + 2 * SECOND);
        assert_eq!(heartbeat.poll(start + 9 * SECOND), HeartbeatAction::Wait(None));
        heartbeat.handle_ping(&ping(700), start);
        assert_eq!(heartbeat.poll(start + 69 * SECOND), HeartbeatAction::Wait(Some(start + 70 * SECOND)));
        assert_eq!(heartbeat.poll(start + 70 * SECOND), HeartbeatAction::Timeout);
    }

    #[test]
    fn a_peer_that_is_not_read_is_not_dead() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(every(SECOND), start);
        heartbeat.handle_ping(&ping(10), start);
        assert_eq!(heartbeat.poll(start + SECOND / 2), HeartbeatAction::Wait(Some(start + SECOND)));
        heartbeat.handle_unread(start + SECOND);
        ask(&mut heartbeat, start + SECOND);
        heartbeat.handle_unread(start + 2 * SECOND);
        assert_eq!(heartbeat.poll(start + 2 * SECOND), HeartbeatAction::Pong);
        ask(&mut heartbeat, start + 2 * SECOND);
    }

    #[test]
    fn a_peer_that_asks_and_is_not_read_gets_two_pongs_between_its_pings_until_it_is_read() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        heartbeat.handle_unread(start);
        assert_eq!(heartbeat.poll(start), HeartbeatAction::Wait(None), "it hasn't asked");
        heartbeat.handle_ping(&ping(0), start + 4 * SECOND);
        let stalled = start + 5 * SECOND;
        heartbeat.handle_unread(stalled);
        for n in 1..4 {
            assert_eq!(heartbeat.poll(stalled), HeartbeatAction::Wait(Some(stalled + 2 * n * SECOND)));
            heartbeat.handle_unread(stalled + 2 * n * SECOND);
            assert_eq!(heartbeat.poll(stalled + 2 * n * SECOND), HeartbeatAction::Pong);
        }
        heartbeat.handle_reading();
        assert_eq!(heartbeat.poll(stalled + 99 * SECOND), HeartbeatAction::Wait(None));
    }

    #[test]
    fn the_time_to_answer_begins_when_the_ping_is_written() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(every(SECOND), start);
        assert_eq!(heartbeat.poll(start + SECOND), HeartbeatAction::Ping(ping(0)));
        // Traffic doesn't answer what the peer hasn't got, and there is one PING at a time.
        heartbeat.handle_traffic(start + 2 * SECOND);
        for n in 3..6 {
            assert_eq!(
                heartbeat.poll(start + n * SECOND),
                HeartbeatAction::Wait(Some(start + (n + 1) * SECOND))
            );
        }
        let written = start + 5 * SECOND + SECOND / 2;
        heartbeat.handle_written(written);
        assert_eq!(heartbeat.poll(start + 6 * SECOND), HeartbeatAction::Wait(Some(written + SECOND)));
        assert_eq!(heartbeat.poll(written + SECOND), HeartbeatAction::Timeout);
    }

    #[test]
    fn a_peer_that_takes_what_it_is_sent_has_more_time_to_answer() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(every(SECOND), start);
        heartbeat.handle_ping(&ping(15), start);
        ask(&mut heartbeat, start + SECOND);
        for n in 1..6 {
            heartbeat.handle_progress(start + n * SECOND + SECOND / 2);
            assert_ne!(heartbeat.poll(start + (n + 1) * SECOND), HeartbeatAction::Timeout);
        }
        assert_eq!(heartbeat.poll(start + 7 * SECOND), HeartbeatAction::Timeout);
    }

    #[test]
    fn the_ttl_is_kept_by_two_pings_within_it() {
        let seconds = Duration::from_secs;
        for (interval, ttl, expected) in [
            (seconds(70), seconds(300), Duration::from_millis(32_750)),
            (seconds(10), seconds(5), Duration::from_millis(2500)),
            (seconds(1), seconds(2), seconds(1)),
            (seconds(1), seconds(9), seconds(1)),
            (seconds(1), Duration::from_millis(99), seconds(1)),
        ] {
            let start = Instant::now();
            let config = HeartbeatConfig { ttl, ..every(interval) };
            let mut heartbeat = Heartbeat::new(config, start);
            for n in 1..4 {
                assert_eq!(
                    heartbeat.poll(start + (n - 1) * expected),
                    HeartbeatAction::Wait(Some(start + n * expected))
                );
                assert!(
                    matches!(heartbeat.poll(start + n * expected), HeartbeatAction::Ping(_)),
                    "{interval:?} {ttl:?}"
                );
                heartbeat.handle_traffic(start + n * expected);
                heartbeat.handle_written(start + n * expected);
                heartbeat.handle_traffic(start + n * expected);
            }
        }
    }

    #[test]
    fn our_ttl_is_told_in_tenths_and_never_wraps_at_libzmq() {
        for (ttl, told) in [(Duration::from_millis(250), 2), (65 * SECOND, 650), (70 * SECOND, 655)] {
            let start = Instant::now();
            let mut heartbeat = Heartbeat::new(HeartbeatConfig { ttl, ..every(SECOND) }, start);
            assert_eq!(heartbeat.poll(start + SECOND), HeartbeatAction::Ping(ping(told)));
        }
    }
}
