//! What happens at peers, one thing after the other: their messages, their coming and going.

use std::sync::Arc;

use enfonet_zmtp::Batch;

use crate::queue::{Arrival, Inbound};
use crate::{PeerId, PeerInfo};

/// What happens at a ROUTER or DEALER, in order for each peer.
#[derive(Debug)]
#[non_exhaustive]
pub enum PeerEvent {
    /// A peer is there. Reported if [`Options::peer_events`](crate::Options::peer_events) is on.
    Joined {
        /// Its id from now on.
        peer: PeerId,
        /// What is known of it.
        info: Arc<PeerInfo>,
    },
    /// Messages of a peer, as they came.
    Messages {
        /// Whose.
        peer: PeerId,
        /// One at least.
        batch: Batch,
    },
    /// A peer has gone, after all that it sent. Reported if `peer_events` is on.
    Left {
        /// Who.
        peer: PeerId,
        /// What was sent to it and not handed to the kernel whole: it can't have got that.
        unsent: Vec<Batch>,
    },
}

/// The next event of any peer, in turn; at most so many messages.
pub(super) fn event(inbound: &mut Inbound, messages: usize) -> Option<PeerEvent> {
    loop {
        match inbound.pop(messages.max(1))? {
            Arrival::Joined(info) => return Some(PeerEvent::Joined { peer: info.id, info }),
            Arrival::Came(peer, batch) => return Some(PeerEvent::Messages { peer, batch }),
            Arrival::Left(peer, unsent) => return Some(PeerEvent::Left { peer, unsent }),
            Arrival::Subscription(..) => {}
        }
    }
}

/// Methods of sockets that tell what happens at whom.
macro_rules! event_methods {
    ($kind:ident) => {
        impl $kind {
            /// What happens next at any peer, each in turn: at most so many messages, as they came; and, with
            /// [`Options::peer_events`](crate::Options::peer_events), its coming and going. Cancel safe.
            ///
            /// # Errors
            /// As of [`recv`](Self::recv).
            pub async fn recv_event(&self, messages: usize) -> Result<crate::PeerEvent, crate::RecvError> {
                self.hub.recv_in_time(|inbound| crate::socket::events::event(inbound, messages)).await
            }

            /// The same, if anything has happened. Never waits.
            pub fn try_recv_event(&self, messages: usize) -> Option<crate::PeerEvent> {
                self.hub.try_recv_by(|inbound| crate::socket::events::event(inbound, messages))
            }

            /// Waits until something has happened that [`try_recv_event`](Self::try_recv_event) would give, and takes
            /// nothing. Who else receives may be faster. Cancel safe.
            ///
            /// # Errors
            /// As of [`recv`](Self::recv).
            pub async fn wait_event(&self) -> Result<(), crate::RecvError> {
                self.hub.recv_in_time(|inbound| inbound.has_arrivals().then_some(())).await
            }
        }
    };
}
pub(super) use event_methods;
