//! Heartbeats: PINGs to a peer, and the timeouts of a silent peer (RFC 37, "Connection Heartbeating").
//!
//! The caller passes the time in. The order of calls at each turn: `handle_*` for what has happened, then
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
    /// Time without traffic of the peer, after a PING was written, after which the connection is closed; `None`: the
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
    /// No PING was sent, or bytes have arrived since.
    Answered,
    /// The PING isn't written yet, so the peer can't have answered. Another PING would only wait behind it.
    Waiting,
    /// The PING is written. At the given time the peer has timed out, unless bytes arrive.
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
    /// it receives the PING later.
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
mod tests;
