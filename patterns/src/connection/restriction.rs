//! Restriction of a connected peer to the topics of its permissions.

use std::sync::Arc;

use bytes::Bytes;
use enfonet_zmtp::{Command, Subscription};
use tracing::warn;

use crate::escaped::Escaped;
use crate::log_limiter::LogLimiter;
use crate::peer::PeerInfo;
use crate::queue::Run;
use crate::session::Session;

/// The restriction of a peer that may not use all topics: a filter between its connection and the socket. Other peers
/// have none, so their messages cost nothing more.
#[derive(Debug)]
pub(super) struct Restriction {
    peer: Arc<PeerInfo>,
    /// Whether a message of the peer may be a subscription.
    takes_subscriptions: bool,
    log: LogLimiter,
}

/// Use of a topic that the peer attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Publish,
    Subscribe,
    Cancel,
}

impl Restriction {
    /// Returns the restriction of a peer, unless the peer may use all topics.
    pub(super) fn of(peer: &Arc<PeerInfo>, session: &dyn Session) -> Option<Box<Self>> {
        let takes_subscriptions = session.is_publisher();
        let restriction = || Self { peer: peer.clone(), takes_subscriptions, log: LogLimiter::default() };
        (!peer.permissions.allow_all()).then(|| Box::new(restriction()))
    }

    /// Returns the messages of a run that the peer is permitted to send.
    pub(super) fn permitted(&self, run: Run, session: &dyn Session) -> Run {
        if run.all_first(|first| self.permits(self.attempt(first))) {
            return run;
        }
        let (mut forbidden, mut last) = (0, None);
        let permitted = run.filter(|message| {
            let (attempt, topic) = self.attempt(message.first());
            let permits = self.permits((attempt, topic));
            if !permits && attempt != Attempt::Cancel {
                forbidden += 1;
                last = Some((attempt, Bytes::copy_from_slice(topic)));
            }
            permits
        });
        let permitted = permitted.collect();
        if let Some((attempt, topic)) = last {
            self.forbid(attempt, &topic, forbidden, session);
        }
        permitted
    }

    /// Returns whether the peer is permitted to send a command.
    pub(super) fn permits_command(&self, command: &Command, session: &dyn Session) -> bool {
        let Command::Subscription(subscription) = command else { return true };
        let topic = subscription.topic();
        let permits = self.permits((Attempt::Subscribe, topic));
        if !permits && matches!(subscription, Subscription::Subscribe(_)) {
            self.forbid(Attempt::Subscribe, topic, 1, session);
        }
        permits
    }

    /// Returns what a message with this first frame attempts, and the topic.
    const fn attempt<'a>(&self, first: &'a [u8]) -> (Attempt, &'a [u8]) {
        match first {
            [1, topic @ ..] if self.takes_subscriptions => (Attempt::Subscribe, topic),
            [0, topic @ ..] if self.takes_subscriptions => (Attempt::Cancel, topic),
            topic => (Attempt::Publish, topic),
        }
    }

    fn permits(&self, (attempt, topic): (Attempt, &[u8])) -> bool {
        match attempt {
            Attempt::Publish => self.peer.permissions.may_publish(topic),
            Attempt::Subscribe | Attempt::Cancel => self.peer.permissions.may_subscribe(topic),
        }
    }

    /// Counts attempts that the peer's permissions don't allow, and logs them at a limited rate.
    #[cold]
    fn forbid(&self, attempt: Attempt, topic: &[u8], count: u64, session: &dyn Session) {
        session.record_forbidden(self.peer.id, count);
        let Some(count) = self.log.count(count) else { return };
        let PeerInfo { endpoint, address, user, routing_id, .. } = &*self.peer;
        let (user, identity, topic) = (Escaped(&user.id), Escaped(routing_id), Escaped(topic));
        match attempt {
            Attempt::Publish => {
                warn!(%endpoint, address, %user, %identity, %topic, count, "dropped messages that the peer isn't permitted to publish");
            }
            Attempt::Subscribe | Attempt::Cancel => {
                warn!(%endpoint, address, %user, %identity, %topic, count, "ignored subscriptions that the peer isn't permitted");
            }
        }
    }
}
