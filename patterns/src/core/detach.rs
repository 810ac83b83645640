//! Unbind and disconnect: ends endpoints and connections of a socket that stays open.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::SocketCore;
use super::endpoints::{Attachment, Role};
use crate::endpoint::Endpoint;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::{AbortCause, EndMode, IdleEnd, Outbox, ReadPosition};
use crate::routing::Routing;

impl<R: Routing> SocketCore<R> {
    /// Ends listening on, or connecting to, an endpoint. The endpoint is free for another socket at once. Its peers get
    /// no new messages; waiting messages are still sent for the socket's linger, then the connections end. Returns
    /// `false` if the socket doesn't know the endpoint in this role.
    pub(crate) fn forget(self: &Arc<Self>, role: Role, endpoint: &Endpoint) -> bool {
        let attachments = self.endpoints().detach(role, endpoint);
        if !attachments.iter().any(Attachment::lasts) {
            return false;
        }
        let at_once = R::LINGERS && self.settings.linger.is_zero();
        let peers = self.retire(role, endpoint, &attachments, at_once);
        self.context.sweep();
        // Drop guards: connections are cut off even if the task below is cancelled, or isn't started.
        let (until, tasks): (Vec<_>, Vec<_>) = attachments
            .into_iter()
            .map(|attachment| (attachment.tokens.abort.drop_guard(), attachment.task))
            .unzip();
        let Some(runtime) = self.runtime().filter(|_| R::LINGERS && !self.settings.linger.is_zero()) else {
            return true;
        };
        let core = self.clone();
        let lingering = async move {
            let gone = async {
                core.until(|out| peers.iter().all(|id| !out.outboxes.contains_key(*id)).then_some(())).await;
                for task in tasks {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(core.settings.linger, gone).await;
            drop(until);
        };
        self.tasks.spawn_on(lingering, &runtime);
        true
    }

    /// Returns the runtime for background tasks: that of the caller, or else that of the connections.
    pub(super) fn runtime(&self) -> Option<Handle> {
        Handle::try_current().ok().or_else(|| self.runtime.get().cloned())
    }

    /// Retires the queues to the peers at an endpoint, and ends their connections when the waiting messages are sent,
    /// or with `at_once` drops the messages. Returns the peers.
    fn retire(
        &self,
        role: Role,
        endpoint: &Endpoint,
        attachments: &[Attachment],
        at_once: bool,
    ) -> Vec<PeerId> {
        // Under one lock with sends and joins: an accepted message is still sent, and no message is accepted for a
        // connection that is ending.
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let mut peers: Vec<PeerId> = attachments.iter().filter_map(|attachment| attachment.queue).collect();
        let is_there =
            |peer: &&Arc<PeerInfo>| peer.endpoint == *endpoint && peer.is_accepted == (role == Role::Bound);
        peers.extend(self.inbound().peers().filter(is_there).map(|peer| peer.id));
        for id in &peers {
            out.retire(*id);
            let Some(outbox) = out.outboxes.get_mut(*id) else { continue };
            if at_once {
                outbox.forget_staged();
            }
            wakers.extend(outbox.wake_to_close());
        }
        attachments.iter().for_each(|attachment| attachment.tokens.ending.cancel());
        wakers.changed();
        peers
    }

    /// Stops listening and reconnecting at all endpoints. Established connections go on.
    pub(crate) fn stop_admitting_peers(&self) {
        let admitting = self.endpoints().stop_admitting_peers();
        // Tasks that wait for a token are woken when no lock is held.
        admitting.iter().for_each(CancellationToken::cancel);
        self.context.sweep();
    }

    /// Ends a peer's connection when its task runs next. Returns whether there is a connection to end.
    pub(crate) fn disconnect_peer(&self, id: PeerId) -> bool {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        if !out.outboxes.get(id).is_some_and(Outbox::has_peer) {
            return false;
        }
        // The queue of an accepted peer ends with the connection; another queue waits for the next connection.
        if self.inbound().peer(id).is_some_and(|peer| peer.is_accepted) {
            out.retire(id);
        }
        wakers.extend(out.outboxes[id].abort(AbortCause::Disconnected));
        wakers.changed();
        true
    }

    /// Ends a peer's connection when its task runs next, unless messages of the peer wait to be received or arrive
    /// before that. Returns whether the peer is connected and none of its messages wait.
    pub(crate) fn disconnect_idle(&self, id: PeerId) -> bool {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let Some(outbox) = out.outboxes.get_mut(id).filter(|outbox| outbox.is_connected()) else {
            return false;
        };
        if !self.inbound().end_when_idle(id) {
            return false;
        }
        wakers.extend(outbox.end(EndMode::WhenIdle));
        true
    }

    /// Decides whether the connection of an idle peer ends now. Its task calls this when it has written all that it
    /// took. If the connection ends, the peer gets no new messages.
    pub(super) fn end_if_idle(&self, id: PeerId, position: ReadPosition) -> IdleEnd {
        let mut out = self.out();
        let outcome = match self.inbound().idle_end(id, position) {
            IdleEnd::Now if out.outboxes[id].unsent().messages > 0 => IdleEnd::Later,
            outcome => outcome,
        };
        match outcome {
            IdleEnd::Now => out.retire(id),
            IdleEnd::Later => {}
            IdleEnd::CalledOff => out.outboxes[id].call_off_end(),
        }
        outcome
    }

    /// Admits no new connections, closes this side's half of the others, and waits until no peer is connected.
    pub(crate) async fn drain(&self) {
        self.stop_admitting_peers();
        self.close_halves();
        self.wait_disconnected().await;
    }

    fn close_halves(&self) {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let connected = |(id, outbox): (PeerId, &Outbox)| outbox.is_connected().then_some(id);
        let peers: Vec<PeerId> = out.outboxes.iter().filter_map(connected).collect();
        for id in peers {
            out.retire(id);
            wakers.extend(out.outboxes[id].end(EndMode::HalfClose));
        }
    }

    /// Waits until no peer is connected.
    pub(crate) async fn wait_disconnected(&self) {
        self.until(|out| out.connected.is_empty().then_some(())).await;
    }
}
