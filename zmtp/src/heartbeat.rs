//! Heartbeats: PINGs to a peer, and the timeouts of a silent peer (RFC 37, "Connection Heartbeating").
//!
//! Time is handed in. The order of calls at each turn: `handle_*` for what has happened, then
//! [`poll`](Heartbeat::poll) until it returns [`HeartbeatAction::Wait`].

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::command::ping::Ping;

/// Configuration of heartbeats. All off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// Time between two PINGs; zero: no PINGs. With a TTL, at least two PINGs are sent within it.
    pub interval: Duration,
    /// Time without traffic after which the peer may close the connection; zero: no limit. PINGs carry it in tenths of
    /// a second, and at most 65.5 s, since libzmq counts no further.
    pub ttl: Duration,
    /// Time without traffic of the peer after a PING was written, before the connection is closed; `None`: the
    /// interval; zero: no limit.
    pub timeout: Option<Duration>,
}

impl HeartbeatConfig {
    /// Returns the TTL in a PING.
    fn tenths(&self) -> u16 {
        (self.ttl.as_millis() / 100).min(MAX_TTL_TENTHS) as u16
    }

    /// Returns the time between PINGs: at most half of the TTL in them. So a PING may be late, or the TTL be cut, and
    /// no idle connection is closed.
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
    /// Time at which the next PING is due.
    ping_at: Option<Instant>,
    last_ping: PingState,
    /// Time at which the TTL of the peer ends, unless bytes arrive.
    alive_by: Option<Instant>,
    peer_ttl: Duration,
    /// Time of the peer's last PING; before the first, of the end of the handshake.
    asked_at: Instant,
    /// The time between the peer's last two PINGs.
    peer_interval: Option<Duration>,
    /// Time at which a peer that isn't read gets an unsolicited PONG.
    pong_at: Option<Instant>,
}

/// State of our last PING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PingState {
    /// There is none, or bytes have arrived since.
    Answered,
    /// It isn't written yet, so the peer can't have answered. Another PING would only wait behind it.
    Waiting,
    /// It is written. At the given time the peer has timed out, unless bytes arrive.
    Written(Option<Instant>),
}

/// The action that [`Heartbeat::poll`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeartbeatAction {
    /// Do nothing until this time; `None`: until something happens.
    Wait(Option<Instant>),
    /// Send the PING, and call [`Heartbeat::handle_written`] when it is written.
    Ping(Ping),
    /// Send a PONG without a context: PINGs of the peer wait unread.
    Pong,
    /// Close the connection: the peer has been silent for too long.
    Timeout,
}

/// Maximum TTL in a PING. libzmq holds milliseconds in 16 bits: a larger TTL would wrap there.
const MAX_TTL_TENTHS: u128 = 655;
/// Minimum time between unsolicited PONGs, however fast the PINGs of the peer follow each other.
const MIN_PONG_INTERVAL: Duration = Duration::from_millis(1);

impl Heartbeat {
    /// Returns the heartbeats of a connection whose handshake was complete at `begin`.
    #[must_use]
    pub fn new(config: HeartbeatConfig, begin: Instant) -> Self {
        let ping_at = begin.checked_add(config.ping_interval()).filter(|_| config.interval > Duration::ZERO);
        Self {
            config,
            ping_at,
            last_ping: PingState::Answered,
            alive_by: None,
            peer_ttl: Duration::ZERO,
            asked_at: begin,
            peer_interval: None,
            pong_at: None,
        }
    }

    /// Records that bytes have arrived from the peer. Parts of a frame count too.
    pub fn handle_traffic(&mut self, now: Instant) {
        if self.last_ping != PingState::Waiting {
            self.last_ping = PingState::Answered;
        }
        self.extend_peer_ttl(now);
    }

    fn extend_peer_ttl(&mut self, now: Instant) {
        if self.peer_ttl > Duration::ZERO {
            self.alive_by = Some(now + self.peer_ttl);
        }
    }

    /// Records a PING of the peer, and its TTL if it has one.
    pub fn handle_ping(&mut self, ping: &Ping, now: Instant) {
        self.peer_ttl = ping.ttl().unwrap_or_default();
        self.alive_by = ping.ttl().map(|ttl| now + ttl);
        self.peer_interval = Some(now.saturating_duration_since(self.asked_at));
        self.asked_at = now;
    }

    /// Records that the PING of [`poll`](Self::poll) is written whole: the peer's time to answer begins.
    pub fn handle_written(&mut self, now: Instant) {
        if self.last_ping == PingState::Waiting {
            self.last_ping = PingState::Written(self.answer_by(now));
        }
    }

    fn answer_by(&self, now: Instant) -> Option<Instant> {
        let timeout = self.config.answer_timeout();
        now.checked_add(timeout).filter(|_| timeout > Duration::ZERO)
    }

    /// Records that the peer reads again, after it had taken nothing for a while. Its time to answer begins anew, since
    /// the PING comes to it later.
    pub fn handle_progress(&mut self, now: Instant) {
        if let PingState::Written(_) = self.last_ping {
            self.last_ping = PingState::Written(self.answer_by(now));
        }
        self.extend_peer_ttl(now);
    }

    /// Records that the peer isn't read, since its messages wait here: its silence means nothing. A PING would wait
    /// unread, so the peer gets unsolicited PONGs, twice in the time between its PINGs. Call it at each turn while this
    /// lasts.
    pub fn handle_unread(&mut self, now: Instant) {
        self.handle_traffic(now);
        if self.pong_at.is_none() {
            self.pong_at = self.pong_interval().map(|interval| now + interval);
        }
    }

    fn pong_interval(&self) -> Option<Duration> {
        self.peer_interval.map(|interval| (interval / 2).max(MIN_PONG_INTERVAL))
    }

    /// Records that the peer is read again and all that it had sent is read: its PINGs have been answered.
    pub fn handle_reading(&mut self) {
        self.pong_at = None;
    }

    /// Returns the action that is due now.
    pub fn poll(&mut self, now: Instant) -> HeartbeatAction {
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let answer_by = if let PingState::Written(at) = self.last_ping { at } else { None };
        if is_over(answer_by) || is_over(self.alive_by) {
            return HeartbeatAction::Timeout;
        }
        if is_over(self.pong_at) {
            self.pong_at = self.pong_interval().map(|interval| now + interval);
            return HeartbeatAction::Pong;
        }
        if is_over(self.ping_at) {
            self.ping_at = now.checked_add(self.config.ping_interval());
            // One unanswered PING is enough: more would pile up at a slow peer.
            if self.last_ping == PingState::Answered {
                self.last_ping = PingState::Waiting;
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

    /// Polls for a PING that is due, and records it as written at once.
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
