//! Totals of a socket over all of its peers, also those that have gone: for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{ConnectionError, ErrorOrigin, RejectReason};
use crate::size::Size;

/// Reason why a connection ended, or its handshake failed: a [`ConnectionError`] without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// This side closed the connection: by `unbind`, `disconnect` or `close`, or because the socket was dropped.
    Closed,
    /// The application disconnected the peer, by `disconnect_peer`.
    Disconnected,
    /// The peer closed the connection.
    PeerClosed,
    /// The network or the system failed.
    Network,
    /// The peer was silent for too long, in the handshake or later.
    Timeout,
    /// The peer broke the protocol.
    Protocol,
    /// The two ends don't fit: their socket types, mechanisms or versions.
    Mismatch,
    /// An authenticator denied access, or the keys or passwords are wrong.
    Denied,
    /// The socket has no place for the peer: its identity is in use, or a PAIR has another peer.
    Rejected,
    /// A newer peer took over the identity.
    Replaced,
    /// The peer exceeded a limit, or there were too many connections or handshakes.
    Limit,
}

impl EndReason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::Closed,
        Self::Disconnected,
        Self::PeerClosed,
        Self::Network,
        Self::Timeout,
        Self::Protocol,
        Self::Mismatch,
        Self::Denied,
        Self::Rejected,
        Self::Replaced,
        Self::Limit,
    ];

    /// Returns the reason of an error.
    #[must_use]
    pub fn of(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::Disconnected => Self::Disconnected,
            ConnectionError::Eof | ConnectionError::Abandoned => Self::PeerClosed,
            ConnectionError::ConnectTimeout
            | ConnectionError::HandshakeTimeout
            | ConnectionError::HeartbeatTimeout => Self::Timeout,
            ConnectionError::Rejected(RejectReason::IdentityInUse | RejectReason::PeerThere) => {
                Self::Rejected
            }
            ConnectionError::Replaced => Self::Replaced,
            ConnectionError::Overrun => Self::Limit,
            error if error.deny_reason().is_some() => Self::Denied,
            error => match error.origin() {
                ErrorOrigin::Caller => Self::Closed,
                ErrorOrigin::Peer => Self::Protocol,
                ErrorOrigin::Configuration => Self::Mismatch,
                ErrorOrigin::Limit => Self::Limit,
                _ => Self::Network,
            },
        }
    }

    /// Returns the name of the reason in metrics, such as `peer_closed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Disconnected => "disconnected",
            Self::PeerClosed => "peer_closed",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Mismatch => "mismatch",
            Self::Denied => "denied",
            Self::Rejected => "rejected",
            Self::Replaced => "replaced",
            Self::Limit => "limit",
        }
    }
}

/// Reason why a socket dropped messages that it was to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue of the peer was at its high-water mark. A message counts for each peer that loses it.
    QueueFull,
    /// The peer had gone before they were written.
    PeerGone,
    /// No peer had subscribed to their topic (PUB, XPUB).
    Unmatched,
    /// No peer had the routing id (ROUTER without [`mandatory`](crate::Options::mandatory)).
    Unroutable,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::QueueFull, Self::PeerGone, Self::Unmatched, Self::Unroutable];

    /// Returns the name of the reason in metrics, such as `queue_full`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::PeerGone => "peer_gone",
            Self::Unmatched => "unmatched",
            Self::Unroutable => "unroutable",
        }
    }
}

/// Totals of a socket since its creation. Except for [`connections`](Self::connections) they never decrease.
///
/// ```
/// use enfonet::Pull;
/// use enfonet::monitor::EndReason;
///
/// let totals = Pull::new().totals();
/// for reason in EndReason::ALL {
///     println!("connections_closed{{reason=\"{}\"}} {}", reason.name(), totals.closed(reason));
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Totals {
    /// Connected peers at present.
    pub connections: usize,
    /// Handshakes that have succeeded.
    pub opened: u64,
    /// Messages handed to the system whole; within the process, to the peers' inboxes. A message counts for each peer
    /// that it was sent to.
    pub sent: Size,
    /// Messages read from peers, whether the application has received them yet or not.
    pub received: Size,
    /// Subscriptions of peers that were ignored, and messages of peers that were dropped, because their
    /// [permissions](crate::Options::permissions) don't allow them.
    pub forbidden: u64,
    pub(crate) closed: [u64; EndReason::ALL.len()],
    pub(crate) failed_handshakes: [u64; EndReason::ALL.len()],
    pub(crate) dropped: [u64; DropReason::ALL.len()],
}

impl Totals {
    /// Returns the number of connections that ended for a reason, after their handshake.
    #[must_use]
    pub const fn closed(&self, reason: EndReason) -> u64 {
        self.closed[reason as usize]
    }

    /// Returns the number of handshakes that failed for a reason, or didn't begin because of it.
    #[must_use]
    pub const fn failed_handshakes(&self, reason: EndReason) -> u64 {
        self.failed_handshakes[reason as usize]
    }

    /// Returns the number of messages that the socket dropped for a reason. A message that goes back to the caller with
    /// an error doesn't count, and neither does a message that a newer message replaced
    /// ([`conflate`](crate::Options::conflate)).
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }
}

/// Counters of rare events, which have no lock in common: a connection, or a publication that found a full queue. The
/// messages of the traffic are counted behind the locks that each run and each exchange holds anyway.
#[derive(Debug, Default)]
pub(crate) struct EventCounters {
    opened: AtomicU64,
    closed: [AtomicU64; EndReason::ALL.len()],
    failed_handshakes: [AtomicU64; EndReason::ALL.len()],
    queue_full: AtomicU64,
}

impl EventCounters {
    /// Counts a handshake that has succeeded.
    pub(crate) fn count_opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that has ended.
    pub(crate) fn count_closed(&self, error: &ConnectionError) {
        self.closed[EndReason::of(error) as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a handshake that has failed.
    pub(crate) fn count_failed_handshake(&self, error: &ConnectionError) {
        self.failed_handshakes[EndReason::of(error) as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts messages that were dropped since the queue of a peer was full.
    pub(crate) fn count_queue_full(&self, messages: u64) {
        self.queue_full.fetch_add(messages, Ordering::Relaxed);
    }

    /// Returns totals with these counters. Their other numbers are zero.
    pub(crate) fn totals(&self) -> Totals {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut totals = Totals {
            opened: load(&self.opened),
            closed: self.closed.each_ref().map(load),
            failed_handshakes: self.failed_handshakes.each_ref().map(load),
            ..Totals::default()
        };
        totals.dropped[DropReason::QueueFull as usize] = load(&self.queue_full);
        totals
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_reason_has_a_name_and_a_number_of_its_own() {
        let names: HashSet<_> = EndReason::ALL.map(EndReason::name).into();
        assert_eq!(names.len(), EndReason::ALL.len());
        assert!(EndReason::ALL.iter().enumerate().all(|(n, reason)| *reason as usize == n));
        let names: HashSet<_> = DropReason::ALL.map(DropReason::name).into();
        assert_eq!(names.len(), DropReason::ALL.len());
        assert!(DropReason::ALL.iter().enumerate().all(|(n, reason)| *reason as usize == n));
    }

    #[test]
    fn an_event_counts_once_under_its_reason() {
        let counters = EventCounters::default();
        counters.count_opened();
        counters.count_closed(&ConnectionError::Eof);
        counters.count_closed(&ConnectionError::Closed);
        counters.count_failed_handshake(&RejectReason::PeerThere.into());
        counters.count_failed_handshake(&RejectReason::Subscriptions.into());
        counters.count_queue_full(3);
        let totals = counters.totals();
        assert_eq!(totals.opened, 1);
        let closed = EndReason::ALL.map(|reason| totals.closed(reason));
        assert_eq!(closed, [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let failed = EndReason::ALL.map(|reason| totals.failed_handshakes(reason));
        assert_eq!(failed, [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
        assert_eq!(DropReason::ALL.map(|reason| totals.dropped(reason)), [3, 0, 0, 0]);
    }
}
