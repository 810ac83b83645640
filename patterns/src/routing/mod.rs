//! Routing policies: how each kind of socket chooses among its peers. There is no IO here: every policy is tested
//! alone.

mod fan_out;
mod identity_table;
mod marked_queues;
mod receive_only;
mod reply_gate;
mod request_state;
mod round_robin;
mod single_peer;
mod subscribers;
mod subscription_set;
mod subscriptions;
mod topics;

use enfonet_zmtp::Subscription;
use slotmap::SecondaryMap;

pub(crate) use fan_out::{FanOut, Lost, Published, Remainder, Unplaced};
pub(crate) use identity_table::IdentityTable;
pub(crate) use receive_only::ReceiveOnly;
pub(crate) use reply_gate::ReplyGate;
pub(crate) use request_state::{RequestId, RequestState, RequestStatus};
pub(crate) use round_robin::RoundRobin;
pub(crate) use single_peer::SinglePeer;
pub(crate) use subscribers::Subscribers;
pub(crate) use subscription_set::SubscriptionSet;

use crate::error::RejectReason;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::{Outbox, Recipients, Run};

/// Queues to all peers of a socket.
pub(crate) type Outboxes = SecondaryMap<PeerId, Outbox>;

/// Routing policy of a kind of socket: its knowledge of its peers beyond their queues.
///
/// ```text
///   open ──► join ──► part ──► close        its queue lasts as long as its connection
///   open ──► (join ──► part)* ──► close     its queue outlives connections
/// ```
pub(crate) trait Routing: Send + 'static {
    /// Whether messages that wait for a connected peer outlive the connection.
    const KEEPS_QUEUE: bool;

    /// Number of peers that a message goes to.
    const RECIPIENTS: Recipients = Recipients::One;

    /// Whether messages that wait for a peer are still sent when the application has given up the peer's endpoint.
    const LINGERS: bool = true;

    /// Adds a peer, as its queue begins.
    fn open(&mut self, _id: PeerId) {}

    /// Checks whether a peer may join: the peer of that queue, or, with `None`, any peer without a queue.
    ///
    /// # Errors
    /// [`RejectReason`]: the handshake ends here.
    fn check_admission(&self, _queue: Option<PeerId>) -> Result<(), RejectReason> {
        Ok(())
    }

    /// Adds a connected peer. It may get a routing id.
    ///
    /// # Errors
    /// [`RejectReason`]: the connection is closed again.
    fn join(&mut self, _peer: &mut PeerInfo, _outbox: &mut Outbox) -> Result<(), RejectReason> {
        Ok(())
    }

    /// Returns the peer that was replaced by the peer that joined last: the connection of the replaced peer ends.
    fn replaced(&mut self) -> Option<PeerId> {
        None
    }

    /// Returns the peer that may get a message instead of a departed peer.
    fn instead(&mut self, _outboxes: &Outboxes) -> Option<PeerId> {
        None
    }

    /// Stops sending to a peer that the application has given up.
    fn retire(&mut self, _id: PeerId) {}

    /// Records that the queue to a peer has room again.
    fn room(&mut self, _id: PeerId) {}

    /// Applies a peer's subscription or cancel. Returns whether it is reported to the application.
    ///
    /// # Errors
    /// [`RejectReason`]: the peer exceeded a limit, and the connection is closed.
    fn subscription(&mut self, _id: PeerId, _subscription: &Subscription) -> Result<bool, RejectReason> {
        Ok(false)
    }

    /// Returns the number of messages that were dropped because no peer wanted their topic.
    fn unmatched(&self) -> u64 {
        0
    }

    /// Returns whether the socket wants all messages of a run.
    fn wants(&self, _run: &Run) -> bool {
        true
    }

    /// Returns the messages of a run that the socket wants.
    fn wanted(&self, run: Run) -> Run {
        run
    }

    /// Encodes into the peer's queue the next slice of the subscriptions that it hasn't been sent. Called whenever the
    /// connection takes commands, until nothing is added.
    fn encode_pending(&mut self, _id: PeerId, _outbox: &mut Outbox) {}

    /// Handles the end of a peer's connection. Returns whether it is an arrival, whatever the options.
    fn part(&mut self, _id: PeerId) -> bool {
        false
    }

    /// Removes at most `most` subscriptions of departed peers. Calls `cancelled` with the peer and each cancel that is
    /// reported to the application. Returns whether subscriptions are left.
    fn sweep(&mut self, _most: usize, _cancelled: &mut dyn FnMut(PeerId, Subscription)) -> bool {
        false
    }

    /// Removes a peer, as its queue ends. Returns whether that is an arrival.
    fn close(&mut self, _id: PeerId) -> bool {
        false
    }
}

/// A policy that chooses the peer for the next message.
pub(crate) trait Choose: Routing {
    /// Returns the next peer with room; `None` if no peer has room.
    fn choose(&mut self, outboxes: &Outboxes) -> Option<PeerId>;

    /// Returns whether any peer has room.
    fn is_ready(&self, outboxes: &Outboxes) -> bool;

    /// Returns whether the next message may go to a peer other than this peer.
    fn has_alternatives(&self) -> bool;
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;
    use enfonet_zmtp::{Metadata, PeerProperties, User, Version};

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::peer::HandshakenPeer;
    use crate::size::Size;

    /// Adds a queue for a test, and returns its id.
    pub(super) fn add_queue(outboxes: &mut Outboxes, limit: Size) -> PeerId {
        let number = (1 << 32) | (outboxes.len() as u64 + 1);
        let id = PeerId::from(slotmap::KeyData::from_ffi(number));
        outboxes.insert(id, Outbox::new(limit));
        id
    }

    /// Returns a peer that announces its version and its identity only.
    pub(crate) fn handshaken_peer(version: Version, identity: &'static str) -> HandshakenPeer {
        let (metadata, user) = (Metadata::default(), User::default());
        let peer =
            PeerProperties { version, socket_type: None, identity: Bytes::from(identity), metadata, user };
        HandshakenPeer::new(peer, Endpoint::Inproc("test".into()), String::new(), true)
    }

    /// Returns a [`handshaken_peer`] that has joined with this id.
    pub(crate) fn peer(id: PeerId, version: Version, identity: &'static str) -> PeerInfo {
        handshaken_peer(version, identity).placed(id)
    }

    #[test]
    fn a_default_policy_admits_all_peers_wants_all_messages_and_ignores_departures() {
        let (mut routing, mut outboxes) = (ReceiveOnly, Outboxes::new());
        let id = add_queue(&mut outboxes, Size::new(1, 1));
        assert_eq!(routing.join(&mut peer(id, Version::V3_1, ""), &mut outboxes[id]), Ok(()));
        assert_eq!((routing.replaced(), routing.instead(&outboxes)), (None, None));
        assert_eq!(routing.subscription(id, &Subscription::Subscribe("a".into())), Ok(false));
        let run: Run = ["a", "b"].into_iter().collect();
        assert!(routing.wants(&run));
        assert_eq!(routing.wanted(run.clone()), run);
        assert!(!routing.part(id) && !routing.close(id));
        assert!(!routing.sweep(1, &mut |_, _| {}));
    }
}
