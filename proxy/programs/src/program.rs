//! The two programs: their names, defaults and peers.

/// A program, and the peers that connect to it. Pairs are of the frontend and the backend.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) shape: Shape,
    pub(crate) peers: [&'static str; 2],
    /// Endpoints where the sides listen by default.
    pub(crate) endpoints: [&'static str; 2],
    /// Default intervals of PINGs.
    pub(crate) heartbeats: [&'static str; 2],
    /// Keys of the other program.
    pub(crate) unused: &'static [&'static str],
}

/// Sections of a program's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[[frontend]]` and `[[backend]]`, any number of each.
    Entries,
    /// `[[service]]` with `[service.frontend]` and `[service.backend]`.
    Services,
}

pub(crate) const ENFOMQ: Program = Program {
    name: "enfomq",
    about: "EnfoMQ: a message queue broker. Publishers connect to the frontend (XSUB), \
        subscribers to the backend (XPUB).",
    shape: Shape::Entries,
    peers: ["publishers", "subscribers"],
    endpoints: ["tcp://127.0.0.1:5557", "tcp://127.0.0.1:5558"],
    heartbeats: ["0s", "0s"],
    unused: &["handover"],
};

pub(crate) const ENFOSLB: Program = Program {
    name: "enfoslb",
    about: "EnfoSLB: a service load balancer. Clients connect to the frontend (ROUTER), \
        workers to the backend (DEALER).",
    shape: Shape::Services,
    peers: ["clients", "workers"],
    endpoints: ["tcp://127.0.0.1:5559", "tcp://127.0.0.1:5560"],
    heartbeats: ["0s", "10s"],
    unused: &["rules", "subscriptions", "subscription-bytes"],
};
