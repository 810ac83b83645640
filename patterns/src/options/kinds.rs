//! What only some kinds of sockets have.

use super::{Kind, Options};
use crate::{Dealer, Router};

/// Kinds that know their peers one by one.
pub trait KnowsPeers: Kind {}
impl KnowsPeers for Dealer {}
impl KnowsPeers for Router {}

impl<K: KnowsPeers> Options<K> {
    /// Makes the socket report peers that come and go: see `recv_event` there. Default off.
    #[must_use]
    pub fn peer_events(mut self, on: bool) -> Self {
        self.settings.peer_events = on;
        self
    }
}
