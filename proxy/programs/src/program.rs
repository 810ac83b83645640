//! The two programs: their names, default endpoints and peers.

/// A program, and the peers that connect to it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Peers of the frontend, and the endpoint where it listens by default.
    pub(crate) frontend: (&'static str, &'static str),
    /// Peers of the backend, and the endpoint where it listens by default.
    pub(crate) backend: (&'static str, &'static str),
}

pub(crate) const ENFOMQ: Program = Program {
    name: "enfomq",
    about: "EnfoMQ: a message queue broker. Publishers connect to the frontend (XSUB), \
        subscribers to the backend (XPUB).",
    frontend: ("publishers", "tcp://127.0.0.1:5557"),
    backend: ("subscribers", "tcp://127.0.0.1:5558"),
};

pub(crate) const ENFOSLB: Program = Program {
    name: "enfoslb",
    about: "EnfoSLB: a service load balancer. Clients connect to the frontend (ROUTER), \
        workers to the backend (DEALER).",
    frontend: ("clients", "tcp://127.0.0.1:5559"),
    backend: ("workers", "tcp://127.0.0.1:5560"),
};
