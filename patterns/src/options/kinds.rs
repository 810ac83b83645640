//! Options of some kinds of sockets only.

use enfonet_zmtp::IntoMessage;

use super::{Kind, Options};
use crate::settings::Parting;
use crate::socket::{Dealer, Pub, Pull, Push, Req, Router, Sub, XPub};

/// Kinds that know their peers one by one.
pub trait KnowsPeers: Kind {}
impl KnowsPeers for Dealer {}
impl KnowsPeers for Router {}

impl<K: KnowsPeers> Options<K> {
    /// Makes the socket report peers that come and go: see `recv_event` there. A peer that has gone, and sent nothing,
    /// before its coming was received isn't reported at all. Default off.
    #[must_use]
    pub fn peer_events(mut self, on: bool) -> Self {
        self.settings.peer_events = on;
        self
    }

    /// A message that each peer gets first, whenever it comes (libzmq's `HELLO_MSG`); only a [`probe`](Self::probe) goes
    /// before it. Default none.
    #[must_use]
    pub fn hello(mut self, message: impl IntoMessage) -> Self {
        self.settings.hello = Some(message.into_message());
        self
    }
}

/// Kinds that can make themselves known to a ROUTER.
pub trait Probes: Kind {}
impl Probes for Req {}
impl Probes for Dealer {}
impl Probes for Router {}

impl<K: Probes> Options<K> {
    /// Sends every peer that comes an empty message first, so that a ROUTER knows who is there and can speak first
    /// (libzmq's `PROBE_ROUTER`). Not for peers of other kinds, which don't expect it. Default off.
    ///
    /// It is sent again when a connection was lost: the ROUTER then doesn't know us any more. (libzmq sends it once.)
    #[must_use]
    pub fn probe(mut self, on: bool) -> Self {
        self.settings.probe = on;
        self
    }
}

impl Options<XPub> {
    /// A message that each subscriber gets first, whenever it comes, whatever it subscribes to: a SUB shows it to its
    /// application only if it has subscribed to its topic. Default none.
    #[must_use]
    pub fn welcome(mut self, message: impl IntoMessage) -> Self {
        self.settings.hello = Some(message.into_message());
        self
    }
}

impl Options<Router> {
    /// Whether a new peer takes over the identity of a connected peer, which is then disconnected. Default off: the new
    /// peer is rejected until the other has gone.
    #[must_use]
    pub fn handover(mut self, on: bool) -> Self {
        self.settings.handover = on;
        self
    }

    /// Sets how [`send_routed`](Router::send_routed) treats a message that can't be sent. On, it fails if the peer
    /// isn't there, and waits if the peer has no room. Off, which is the default, it drops the message.
    #[must_use]
    pub fn mandatory(mut self, on: bool) -> Self {
        self.settings.mandatory = on;
        self
    }
}

impl Options<Router> {
    /// A message that is received as the last one of every peer that had connected to this socket and has gone
    /// (libzmq's `DISCONNECT_MSG`). Default none.
    #[must_use]
    pub fn disconnect_message(mut self, message: impl IntoMessage) -> Self {
        self.settings.parting = Some(Parting { message: message.into_message(), of_accepted: true });
        self
    }
}

impl Options<Dealer> {
    /// A message that is received whenever the connection to a peer is lost that this socket had connected to (libzmq's
    /// `HICCUP_MSG`): what was asked there may have to be asked again. Default none.
    #[must_use]
    pub fn hiccup_message(mut self, message: impl IntoMessage) -> Self {
        self.settings.parting = Some(Parting { message: message.into_message(), of_accepted: false });
        self
    }
}

/// Kinds that can do with the last message only.
pub trait Conflates: Kind {}
impl Conflates for Dealer {}
impl Conflates for Push {}
impl Conflates for Pull {}
impl Conflates for Pub {}
impl Conflates for Sub {}

impl<K: Conflates> Options<K> {
    /// Keeps only the last message to each peer, and only the last of each: for values that are out of date once there
    /// is a newer one. High-water marks don't count then. Default off.
    ///
    /// It is whole messages that replace each other, of any number of frames. (libzmq has room for one frame only.)
    #[must_use]
    pub fn conflate(mut self, on: bool) -> Self {
        self.settings.conflate = on;
        self
    }
}
