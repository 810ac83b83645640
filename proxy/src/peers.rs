//! Peers of a running broker, for the program that runs it.

use std::fmt;
use std::sync::Arc;

use enfonet::peer::{PeerId, PeerInfo, PeerStatus};
use enfonet::{Dealer, Router, XPub, XSub};

/// A socket of a broker, as [`Peers`] sees it.
pub(crate) trait PeerSocket: Send + Sync {
    fn peers(&self) -> Vec<PeerStatus>;
    fn disconnect_peer(&self, peer: PeerId) -> bool;
}

macro_rules! peer_socket {
    ($($socket:ident)*) => { $(
        impl PeerSocket for $socket {
            fn peers(&self) -> Vec<PeerStatus> {
                $socket::peers(self)
            }

            fn disconnect_peer(&self, peer: PeerId) -> bool {
                $socket::disconnect_peer(self, peer)
            }
        }
    )* };
}
peer_socket!(XSub XPub Router Dealer);

/// Handle to the peers of a broker, which runs meanwhile. Clones are handles to the same broker.
#[derive(Clone)]
pub struct Peers {
    frontend: Vec<Arc<dyn PeerSocket>>,
    backend: Vec<Arc<dyn PeerSocket>>,
}

impl Peers {
    pub(crate) fn new<F, B>(frontends: &[F], backends: &[B]) -> Self
    where
        F: PeerSocket + Clone + 'static,
        B: PeerSocket + Clone + 'static,
    {
        let frontend = frontends.iter().cloned().map(|socket| Arc::new(socket) as Arc<dyn PeerSocket>);
        let backend = backends.iter().cloned().map(|socket| Arc::new(socket) as Arc<dyn PeerSocket>);
        Self { frontend: frontend.collect(), backend: backend.collect() }
    }

    /// Disconnects those peers of a socket of the frontend for which `is_chosen` returns true, and returns their
    /// number. Messages that wait for them are dropped. Sockets are counted from 0, in the order of the configuration.
    pub fn disconnect_frontend(&self, socket: usize, is_chosen: impl FnMut(&PeerInfo) -> bool) -> usize {
        disconnect(self.frontend.get(socket), is_chosen)
    }

    /// Does the same as [`disconnect_frontend`](Self::disconnect_frontend) at a socket of the backend.
    pub fn disconnect_backend(&self, socket: usize, is_chosen: impl FnMut(&PeerInfo) -> bool) -> usize {
        disconnect(self.backend.get(socket), is_chosen)
    }
}

fn disconnect(socket: Option<&Arc<dyn PeerSocket>>, mut is_chosen: impl FnMut(&PeerInfo) -> bool) -> usize {
    let Some(socket) = socket else { return 0 };
    let chosen = socket.peers().into_iter().filter(|peer| is_chosen(&peer.info));
    chosen.filter(|peer| socket.disconnect_peer(peer.info.id)).count()
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frontends, backends) = (self.frontend.len(), self.backend.len());
        f.debug_struct("Peers").field("frontends", &frontends).field("backends", &backends).finish()
    }
}
