//! Where a broker listens, what it connects to, and whom it talks to there.

use std::fmt;
use std::time::Duration;

use enfonet::{Endpoint, Options};

use crate::tuning::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES, MAX_SILENT_INTERVALS};

/// The configuration of a broker.
#[derive(Clone, Debug)]
pub struct Config {
    /// Publishers, or clients.
    pub frontend: Side,
    /// Subscribers, or workers.
    pub backend: Side,
    /// How long a broker that has been told to stop may take to send what it has accepted. Default 4 s.
    pub grace: Duration,
}

impl Config {
    /// A configuration of these two sides.
    #[must_use]
    pub const fn new(frontend: Side, backend: Side) -> Self {
        Self { frontend, backend, grace: Duration::from_secs(4) }
    }

    /// The time that a stop may take, as long as a clock can be set for.
    pub(crate) fn stop_time(&self) -> Duration {
        self.grace.min(LONGEST_STOP)
    }
}

/// One side of a broker: its endpoints, of which there may be any number, and what else its socket has.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Endpoints that it listens at.
    pub bind: Vec<Endpoint>,
    /// Endpoints that it connects to.
    pub connect: Vec<Endpoint>,
    /// Options of its socket, such as security, limits and heartbeats, beyond the options that the broker sets itself.
    /// The broker sets the high-water marks and the peer events. It makes the socket wait for ever and serve ZMTP 2.0,
    /// and its linger is the [grace](Config::grace). The broker sets TCP keep-alive, too: a peer whose machine has gone
    /// is given up after 25 s.
    pub options: Options,
    /// After how long a silent peer is sent a PING; it is disconnected when it is silent for three times as long. Zero: none
    /// are. `None`, the default: as the options have it, but EnfoSLB's workers are after 10 s. Only peers that speak ZMTP 3.1
    /// are sent any.
    ///
    /// A peer of libzmq's whose queue is full, since its application doesn't receive, answers no PING.
    pub heartbeat: Option<Duration>,
}

/// A stop that may take a year is as good as one that may take for ever.
const LONGEST_STOP: Duration = Duration::from_secs(365 * 24 * 3600);

impl Side {
    /// A side that listens at one endpoint.
    #[must_use]
    pub fn bound(endpoint: Endpoint) -> Self {
        Self { bind: vec![endpoint], ..Self::default() }
    }

    /// Returns what its socket has: nothing that a broker waits for has a time, and peers of ZMTP 2.0 are served, as libzmq
    /// serves them, where the mechanism is NULL and there is no authenticator. Peers are sent PINGs at the `default` interval
    /// if nothing else is configured.
    pub(crate) fn socket_options(&self, default: Option<Duration>) -> Options {
        let options = self.options.clone().send_timeout(None).recv_timeout(None).zmtp2(true);
        let options = options
            .keepalive(true)
            .keepalive_idle(KEEPALIVE_IDLE)
            .keepalive_interval(KEEPALIVE_INTERVAL)
            .keepalive_count(KEEPALIVE_PROBES);
        match self.heartbeat.or(default) {
            None => options,
            Some(interval) => options
                .heartbeat_legacy(false)
                .heartbeat_interval(interval)
                .heartbeat_timeout(interval.saturating_mul(MAX_SILENT_INTERVALS - 1)),
        }
    }
}

/// Where a broker really is: what it listens at, with hosts and ports filled in, then what it connects to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For publishers, or clients.
    pub frontend: Vec<Endpoint>,
    /// For subscribers, or workers.
    pub backend: Vec<Endpoint>,
}

/// As in the line that the programs print: `frontend=tcp://127.0.0.1:5557 backend=tcp://127.0.0.1:5558`.
impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |side: &[Endpoint]| side.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(",");
        write!(f, "frontend={} backend={}", list(&self.frontend), list(&self.backend))
    }
}

/// Binds and connects a socket to a side's endpoints; gives them resolved.
macro_rules! attach {
    ($socket:expr, $side:expr) => {{
        let mut endpoints = Vec::new();
        for endpoint in &$side.bind {
            endpoints.push($socket.bind(endpoint).await?);
        }
        for endpoint in &$side.connect {
            $socket.connect(endpoint)?;
            endpoints.push(endpoint.clone());
        }
        endpoints
    }};
}
pub(crate) use attach;
