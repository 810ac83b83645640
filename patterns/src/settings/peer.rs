//! Settings of the arrival and the departure of a peer.

use enfonet_zmtp::{Batch, Message};

/// A message that the application receives as the last message of a departed peer.
#[derive(Clone, Debug)]
pub(crate) struct Parting {
    pub(crate) message: Message,
    /// Whether it is for accepted peers; otherwise it is for peers that this side connected to.
    pub(crate) of_accepted: bool,
}

/// Settings of the arrival and the departure of a peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerSettings {
    /// Whether each connection begins with an empty message.
    pub(crate) probe: bool,
    pub(crate) hello: Option<Message>,
    pub(crate) parting: Option<Parting>,
    /// Whether the application receives that peers connect and disconnect.
    pub(crate) reports_events: bool,
}

impl PeerSettings {
    /// Returns the messages that each peer gets first.
    pub(crate) fn greeting(&self) -> Batch {
        let probe = self.probe.then(|| Message::from(""));
        match (probe, &self.hello) {
            (None, None) => Batch::default(),
            (None, Some(only)) => only.clone().into(),
            (probe, hello) => probe.into_iter().chain(hello.clone()).collect(),
        }
    }
}
