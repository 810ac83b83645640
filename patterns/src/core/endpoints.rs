//! Endpoints that a socket is bound or connected to.

use std::collections::HashMap;
use std::sync::Weak;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::endpoint::Endpoint;
use crate::peer::PeerId;
use crate::session::ShutdownTokens;
use crate::transport::Listener;

/// Role of the socket at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Bound,
    Connected,
}

/// A bind or connect of the socket, until it is undone.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) tokens: ShutdownTokens,
    /// Listener for tcp and ipc peers, owned by the task.
    pub(super) listener: Weak<Listener>,
    /// Queue to the peer, if it is opened before the peer is connected.
    pub(super) queue: Option<PeerId>,
    /// Task of the attachment, which lasts as long as any of its connections. (But inproc connections are tasks of the
    /// socket that connected.)
    pub(super) task: JoinHandle<()>,
    /// Cancelled when the task has ended, where this side connects.
    pub(super) ended: Option<CancellationToken>,
}

impl Attachment {
    /// Returns whether the endpoint hasn't been given up.
    pub(super) fn lasts(&self) -> bool {
        !self.tokens.abort.is_cancelled()
    }

    /// Stops accepting, and frees the endpoint for another socket.
    fn close_listener(&self) {
        self.listener.upgrade().iter().for_each(|listener| listener.close());
    }
}

/// Attachments of a socket, and connections that it has given up and that haven't ended.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    attached: HashMap<(Role, Endpoint), Vec<Attachment>>,
    departing: Vec<(Endpoint, CancellationToken)>,
}

impl Endpoints {
    pub(super) fn attach(&mut self, role: Role, endpoint: Endpoint, attachment: Attachment) {
        self.attached.entry((role, endpoint)).or_default().push(attachment);
    }

    /// Returns whether the socket is connected to the endpoint, and hasn't given it up.
    pub(super) fn is_connected(&self, endpoint: &Endpoint) -> bool {
        let attachments = self.attached.get(&(Role::Connected, endpoint.clone()));
        attachments.is_some_and(|attachments| attachments.iter().any(Attachment::lasts))
    }

    /// Removes and returns the attachments to an endpoint, and closes their listeners.
    pub(super) fn detach(&mut self, role: Role, endpoint: &Endpoint) -> Vec<Attachment> {
        let attachments = self.attached.remove(&(role, endpoint.clone())).unwrap_or_default();
        attachments.iter().for_each(Attachment::close_listener);
        self.departing.retain(|(_, ended)| !ended.is_cancelled());
        let departing = attachments.iter().filter_map(|attachment| attachment.ended.clone());
        self.departing.extend(departing.map(|ended| (endpoint.clone(), ended)));
        attachments
    }

    /// Returns a token for each earlier connection to the endpoint, cancelled when that connection has ended.
    pub(super) fn departing(&self, endpoint: &Endpoint) -> Vec<CancellationToken> {
        self.departing.iter().filter(|(other, _)| other == endpoint).map(|(_, ended)| ended.clone()).collect()
    }

    /// Removes the attachments to an endpoint that were given up.
    pub(super) fn sweep(&mut self, endpoint: Endpoint) {
        let key = (Role::Connected, endpoint);
        if let Some(attachments) = self.attached.get_mut(&key) {
            attachments.retain(Attachment::lasts);
            if attachments.is_empty() {
                self.attached.remove(&key);
            }
        }
    }

    /// Closes all listeners. Returns the tokens that are to be cancelled so that no new connections are made.
    pub(super) fn stop_admitting_peers(&self) -> Vec<CancellationToken> {
        self.close_listeners();
        self.attached.values().flatten().map(|attachment| attachment.tokens.admitting.clone()).collect()
    }

    pub(super) fn close_listeners(&self) {
        self.attached.values().flatten().for_each(Attachment::close_listener);
    }
}
