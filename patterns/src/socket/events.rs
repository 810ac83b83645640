//! Events of peers, in order: connects, messages and disconnects.

use std::sync::Arc;

use enfonet_zmtp::Batch;

use crate::peer::{PeerId, PeerInfo};
use crate::queue::{Arrival, Inbound, Run};

/// An event at a ROUTER or DEALER. Each peer's events come in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum PeerEvent {
    /// A peer has connected. Reported if [`Options::peer_events`](crate::Options::peer_events) is on.
    Joined {
        /// Id of the peer from now on.
        peer: PeerId,
        /// Information about the peer.
        info: Arc<PeerInfo>,
    },
    /// Messages of a peer, as they arrived.
    Messages {
        /// Id of the peer that sent the messages.
        peer: PeerId,
        /// Messages, at least one.
        batch: Batch,
    },
    /// A peer has disconnected. Reported after all its messages, if `peer_events` is on.
    Left {
        /// Id of the peer.
        peer: PeerId,
        /// Messages to the peer that the kernel hasn't taken whole: the peer can't have received them.
        unsent: Vec<Batch>,
    },
}

/// Pops the next event, with at most `limit` messages, and at least one. Peers are served in rotation.
pub(super) fn event(inbound: &mut Inbound, limit: usize) -> Option<PeerEvent> {
    loop {
        match inbound.pop(limit.max(1))? {
            Arrival::Joined(info) => return Some(PeerEvent::Joined { peer: info.id, info }),
            Arrival::Messages(peer, run) => {
                return Some(PeerEvent::Messages { peer, batch: run.into_batch() });
            }
            Arrival::Left(peer, unsent) => {
                let unsent = unsent.into_iter().map(Run::into_batch).collect();
                return Some(PeerEvent::Left { peer, unsent });
            }
            Arrival::Subscription(..) => {}
        }
    }
}

/// Methods of sockets that report the events of their peers.
macro_rules! event_methods {
    ($kind:ident) => {
        impl $kind {
            /// Returns the next event: at most `limit` messages of a peer, as they arrived, or, with
            /// [`Options::peer_events`](crate::Options::peer_events), a peer's connect or disconnect. Peers are served
            /// in rotation. Cancel safe.
            ///
            /// # Errors
            /// As of [`recv`](Self::recv).
            pub async fn recv_event(
                &self,
                limit: usize,
            ) -> Result<crate::socket::PeerEvent, crate::error::RecvError> {
                self.core.recv_in_time(|inbound| crate::socket::events::event(inbound, limit)).await
            }

            /// Returns the next event as [`recv_event`](Self::recv_event) does, if there is one. Never waits.
            ///
            /// # Errors
            /// As of [`try_recv`](Self::try_recv).
            pub fn try_recv_event(
                &self,
                limit: usize,
            ) -> Result<crate::socket::PeerEvent, crate::error::TryRecvError> {
                self.core.try_recv_by(|inbound| crate::socket::events::event(inbound, limit))
            }

            /// Waits until [`try_recv_event`](Self::try_recv_event) would return an event, and receives nothing.
            /// Another receiver may take the event first. Cancel safe.
            ///
            /// # Errors
            /// As of [`recv`](Self::recv).
            pub async fn wait_event(&self) -> Result<(), crate::error::RecvError> {
                self.core.recv_in_time(|inbound| inbound.has_arrivals().then_some(())).await
            }
        }
    };
}
pub(super) use event_methods;
