//! Rate limit of the log lines about rejected peers: one line a second for each kind of error.

use std::mem::{Discriminant, discriminant};
use std::sync::{Mutex, PoisonError};

use enfonet_zmtp::HandshakeError;

use crate::error::{ConnectionError, RejectReason};
use crate::log_limiter::LogLimiter;

/// Limiters of the log lines of one endpoint, by the kind of error.
#[derive(Debug, Default)]
pub(super) struct RejectionLog(Mutex<Vec<(Kind, LogLimiter)>>);

/// Variant of an error, without its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    outer: Discriminant<ConnectionError>,
    handshake: Option<Discriminant<HandshakeError>>,
    reason: Option<RejectReason>,
}

impl Kind {
    fn of(error: &ConnectionError) -> Self {
        let (handshake, reason) = match error {
            ConnectionError::Handshake(error) => (Some(discriminant(error)), None),
            ConnectionError::Rejected(reason) => (None, Some(*reason)),
            _ => (None, None),
        };
        Self { outer: discriminant(error), handshake, reason }
    }
}

impl RejectionLog {
    /// Counts a rejection. If a line is due, returns the number of rejections of this kind since the last line,
    /// including this one.
    pub(super) fn count(&self, error: &ConnectionError) -> Option<u64> {
        let kind = Kind::of(error);
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, limiter)) = kinds.iter().find(|(other, _)| *other == kind) {
            return limiter.count(1);
        }
        let limiter = LogLimiter::default();
        let count = limiter.count(1);
        kinds.push((kind, limiter));
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_kind_of_rejection_has_a_line_a_second_with_its_own_count() {
        let rejection_log = RejectionLog::default();
        let kinds: [fn() -> ConnectionError; 4] = [
            || ConnectionError::HandshakeTimeout,
            || HandshakeError::Message.into(),
            || HandshakeError::OutOfTurn.into(),
            || RejectReason::PeerThere.into(),
        ];
        for kind in kinds {
            assert_eq!(rejection_log.count(&kind()), Some(1));
            assert_eq!(rejection_log.count(&kind()), None);
        }
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        for kind in kinds {
            assert_eq!(rejection_log.count(&kind()), Some(2));
        }
    }
}
