//! Configuration of a broker: its endpoints, and the options of its sockets.

use std::fmt;
use std::time::Duration;

use enfonet::{Endpoint, Options};

use crate::tuning::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES, MAX_SILENT_INTERVALS};

/// The configuration of a broker.
#[derive(Clone, Debug)]
pub struct Config {
    /// Side of the publishers, or clients.
    pub frontend: Side,
    /// Side of the subscribers, or workers.
    pub backend: Side,
    /// Maximum time that a stop takes to send the messages that the broker has accepted. Default 4 s.
    pub grace: Duration,
}

impl Config {
    /// Creates a configuration of two sides, with the default grace.
    #[must_use]
    pub const fn new(frontend: Side, backend: Side) -> Self {
        Self { frontend, backend, grace: Duration::from_secs(4) }
    }

    /// Returns the maximum time of a stop.
    pub(crate) fn stop_time(&self) -> Duration {
        stop_time(self.grace)
    }
}

/// Returns a grace, shortened to a time that a clock can be set for.
pub(crate) fn stop_time(grace: Duration) -> Duration {
    grace.min(MAX_STOP_TIME)
}

/// A side of a broker: any number of endpoints, and the options of its socket.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Endpoints to bind.
    pub bind: Vec<Endpoint>,
    /// Endpoints to connect to.
    pub connect: Vec<Endpoint>,
    /// Options of the socket, such as security, limits and heartbeats.
    ///
    /// The broker sets the high-water marks, the timeouts, peer events, ZMTP 2.0 and TCP keep-alive itself: a peer
    /// whose machine is lost is disconnected after 25 s. The linger is the [grace](Config::grace).
    pub options: Options,
    /// Interval of PINGs to a silent peer, which is disconnected after three silent intervals. Zero turns PINGs off.
    /// `None`, the default, leaves PINGs to the options, except for EnfoSLB's workers: their interval is then 10 s.
    /// Only peers that speak ZMTP 3.1 are sent PINGs.
    ///
    /// A libzmq peer answers no PING while its queue is full, because its application doesn't receive.
    pub heartbeat: Option<Duration>,
    /// Clients that take over the identity of a connected client of EnfoSLB. Default [`Handover::Off`]. It has no
    /// effect on the other sides of the brokers, which address no peer by its identity.
    pub handover: Handover,
    /// Maximum bytes that wait for a peer of this side, and maximum bytes that wait from it. `None`, the default, is 16
    /// MiB, and 4 MiB from a publisher. At the mark, EnfoMQ drops messages for the subscriber, and a publisher or a
    /// client isn't read.
    pub queue_bytes: Option<usize>,
}

/// Peers that take over the identity of a connected peer, which is then disconnected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handover {
    /// No peer: a second peer is rejected until the first has disconnected.
    #[default]
    Off,
    /// A peer that was authenticated as the same user. A user without a name takes over no identity.
    User,
}

/// Upper bound of the grace. A year is as good as for ever, and no clock overflows.
const MAX_STOP_TIME: Duration = Duration::from_secs(365 * 24 * 3600);

impl Side {
    /// Creates a side that binds one endpoint.
    #[must_use]
    pub fn bound(endpoint: Endpoint) -> Self {
        Self { bind: vec![endpoint], ..Self::default() }
    }

    /// Returns the options of the socket, with PINGs at the `default_heartbeat` interval if none is configured.
    ///
    /// There are no timeouts, since a broker waits for ever. Peers of ZMTP 2.0 are served where the mechanism is NULL
    /// and there is no authenticator, as libzmq does.
    pub(crate) fn socket_options(&self, default_heartbeat: Option<Duration>) -> Options {
        let options = self.options.clone().send_timeout(None).recv_timeout(None).zmtp2(true);
        let options = options
            .keepalive(true)
            .keepalive_idle(KEEPALIVE_IDLE)
            .keepalive_interval(KEEPALIVE_INTERVAL)
            .keepalive_count(KEEPALIVE_PROBES);
        match self.heartbeat.or(default_heartbeat) {
            None => options,
            Some(interval) => options
                .heartbeat_legacy(false)
                .heartbeat_interval(interval)
                .heartbeat_timeout(interval.saturating_mul(MAX_SILENT_INTERVALS - 1)),
        }
    }
}

/// Endpoints of a running broker: for each socket of a side the bound endpoints, with hosts and ports resolved, then the
/// connected endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Endpoints for publishers, or clients.
    pub frontend: Vec<Endpoint>,
    /// Endpoints for subscribers, or workers.
    pub backend: Vec<Endpoint>,
}

/// Formats them as in the line that the programs print: `frontend=tcp://127.0.0.1:5557 backend=tcp://127.0.0.1:5558`.
impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |side: &[Endpoint]| side.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(",");
        write!(f, "frontend={} backend={}", list(&self.frontend), list(&self.backend))
    }
}

/// Binds and connects a socket to a side's endpoints, and returns these resolved. A macro, since XSUB, XPUB, ROUTER
/// and DEALER share no trait.
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
