//! The cases that can be compared.

use std::fmt;
use std::str::FromStr;

/// A transport or its encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    Ipc,
    /// tcp with CURVE.
    Curve,
}

/// One socket with many peers, each a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fan {
    pub(crate) over: Over,
    pub(crate) size: usize,
    pub(crate) peers: usize,
}

/// A comparison. Sizes are of message bodies, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Thr { size: usize },
    Thrb { size: usize },
    IpcThr { size: usize },
    Lat { size: usize },
    BlockingLat { size: usize },
    Dr { size: usize, window: usize },
    FanOut(Fan),
    FanIn(Fan),
    PubSub(Fan),
    Mq { size: usize, subscribers: usize },
    MqHalf { size: usize, subscribers: usize },
    MqFilter { size: usize, idle: usize },
    Slb { size: usize, clients: usize, workers: usize },
    SlbLat { size: usize },
    Mem { subscribers: usize },
    CurveThr { size: usize },
    CurveMq { size: usize, subscribers: usize },
    CurveHs { clients: usize },
}

/// Cases of the first table in `docs/performance.md`: two sockets, and brokers.
pub(crate) const PAIRS: &str = "thr:32 thr:64 thr:256 thr:1024 thr:16384 thrb:32 ipcthr:32 lat:32 dr:32:64 \
    pubsub:32:1 pubsub:32:4 pubsub:1024:4 mq:32:1 mq:256:1 mq:1024:1 mq:32:4 mqhalf:32:1 mqhalf:1024:1 \
    mqfilter:32:1000 slb:32:4:2 slblat:32 mem:5000 curvethr:32 curvethr:1024 curvethr:16384 \
    curvethr:65536 curvemq:32:1 curvemq:1024:1 curvemq:16384:1 curvemq:65536:1 curvehs:5000";

/// Cases of the second table: one socket with many peers, and streams and requests to compare them with.
pub(crate) const FANS: &str = "fanout:16:4 fanout:256:4 fanout:1024:4 fanout:16384:4 fanout:65536:4 \
    fanin:16:4 fanin:256:4 fanin:1024:4 fanin:16384:4 fanin:65536:4 pubsub:16:32 pubsub:1024:32 pubsub:16384:32 \
    thr:256 thr:1024 thr:16384 thr:65536 ipcfanout:1024:4 ipcfanout:16384:4 ipcfanin:1024:4 ipcfanin:16384:4 \
    curvefanout:1024:4 curvefanin:1024:4 lat:64 blockinglat:64";

/// Cases whose ratios the README shows.
pub(crate) const SUMMARY: &str = "thr:32 thr:1024 pubsub:32:4 lat:32 dr:32:64 mq:1024:1 slb:32:4:2 mem:5000";

/// Parses a list such as [`PAIRS`].
pub(crate) fn parse_list(list: &str) -> Result<Vec<Case>, String> {
    list.split_whitespace().map(str::parse).collect()
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let numbers: Result<Vec<usize>, _> = parts.map(str::parse).collect();
        let numbers = numbers.map_err(|error| format!("{text}: {error}"))?;
        if let (Some((kind, over)), &[size, peers]) = (fan(name), &numbers[..]) {
            return Ok(kind(Fan { over, size, peers }));
        }
        Ok(match (name, &numbers[..]) {
            ("thr", &[size]) => Self::Thr { size },
            ("thrb", &[size]) => Self::Thrb { size },
            ("ipcthr", &[size]) => Self::IpcThr { size },
            ("lat", &[size]) => Self::Lat { size },
            ("blockinglat", &[size]) => Self::BlockingLat { size },
            ("dr", &[size, window]) => Self::Dr { size, window },
            ("mq", &[size, subscribers]) => Self::Mq { size, subscribers },
            ("mqhalf", &[size, subscribers]) => Self::MqHalf { size, subscribers },
            ("mqfilter", &[size, idle]) => Self::MqFilter { size, idle },
            ("slb", &[size, clients, workers]) => Self::Slb { size, clients, workers },
            ("slblat", &[size]) => Self::SlbLat { size },
            ("mem", &[subscribers]) => Self::Mem { subscribers },
            ("curvethr", &[size]) => Self::CurveThr { size },
            ("curvemq", &[size, subscribers]) => Self::CurveMq { size, subscribers },
            ("curvehs", &[clients]) => Self::CurveHs { clients },
            _ => return Err(format!("{text}: no such case; there are {PAIRS} {FANS}, with any numbers")),
        })
    }
}

/// Constructor of a case of one socket with many peers.
type FanCase = fn(Fan) -> Case;

/// Returns the case that a name such as `fanout` or `ipcfanout` stands for.
fn fan(name: &str) -> Option<(FanCase, Over)> {
    let prefixes = [("ipc", Over::Ipc), ("curve", Over::Curve), ("", Over::Tcp)];
    let (kind, over) =
        prefixes.iter().find_map(|(prefix, over)| Some((name.strip_prefix(prefix)?, *over)))?;
    Some(match kind {
        "fanout" => (Case::FanOut, over),
        "fanin" => (Case::FanIn, over),
        "pubsub" => (Case::PubSub, over),
        _ => return None,
    })
}

/// Transport behind the sockets in a row label.
impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "",
            Self::Ipc => " over ipc",
            Self::Curve => " with CURVE",
        })
    }
}

/// Row label of the tables.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Thr { size } => write!(f, "PUSH → PULL, {size} B"),
            Self::Thrb { size } => write!(f, "PUSH → PULL, {size} B, EnfoNet in batches"),
            Self::IpcThr { size } => write!(f, "PUSH → PULL over ipc, {size} B"),
            Self::Lat { size } => write!(f, "REQ ↔ REP, {size} B, median round trip"),
            Self::BlockingLat { size } => {
                write!(f, "REQ ↔ REP by blocking sockets, {size} B, median round trip")
            }
            Self::Dr { size, window } => write!(f, "DEALER ↔ ROUTER, {size} B, {window} in flight"),
            Self::FanOut(Fan { over, size, peers }) => {
                write!(f, "PUSH → {peers} PULL{over}, {size} B, total")
            }
            Self::FanIn(Fan { over, size, peers }) => write!(f, "{peers} PUSH → PULL{over}, {size} B, total"),
            Self::PubSub(Fan { over, size, peers }) => write!(f, "PUB → {peers} SUB{over}, {size} B, total"),
            Self::Mq { size, subscribers } => {
                write!(f, "queue broker, {size} B, {subscribers} SUB, total")
            }
            Self::MqHalf { size, subscribers } => {
                write!(f, "queue broker at half load, {size} B, {subscribers} SUB, total")
            }
            Self::MqFilter { size, idle } => {
                write!(f, "queue broker, {size} B, 1 SUB, {idle} idle SUB with other topics")
            }
            Self::Slb { size, clients, workers } => {
                write!(f, "load balancer, {size} B, {clients} clients, {workers} workers")
            }
            Self::SlbLat { size } => write!(f, "load balancer, {size} B, median round trip"),
            Self::Mem { subscribers } => {
                write!(f, "queue broker, memory for each of {subscribers} idle SUB")
            }
            Self::CurveThr { size } => write!(f, "PUSH → PULL with CURVE, {size} B"),
            Self::CurveMq { size, subscribers } => {
                write!(f, "queue broker with CURVE, {size} B, {subscribers} SUB, total")
            }
            Self::CurveHs { clients } => {
                write!(f, "queue broker with CURVE, {clients} handshakes")
            }
        }
    }
}

impl Case {
    /// Returns a figure of this case as text, with its unit.
    pub(crate) fn figure(self, value: f64) -> String {
        match self {
            Self::Lat { .. } | Self::BlockingLat { .. } | Self::SlbLat { .. } => format!("{value:.1} µs"),
            Self::Mem { .. } => format!("{:.1} KiB", value / 1024.0),
            _ if value >= 1e6 => format!("{:.2} M/s", value / 1e6),
            _ => format!("{:.1} k/s", value / 1e3),
        }
    }
}
