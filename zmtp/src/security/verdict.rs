//! The verdict about a peer, and the user as which it is authenticated.

use bytes::Bytes;

use crate::metadata::Metadata;

/// The user as which a peer is authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name of the user; may be empty.
    pub id: Bytes,
    /// Properties of the user, from the authenticator.
    pub metadata: Metadata,
}

impl User {
    /// Returns a user of this name.
    #[must_use]
    pub fn named(id: impl Into<Bytes>) -> Self {
        Self { id: id.into(), metadata: Metadata::default() }
    }
}

/// The verdict about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer is admitted, as this user.
    Allow(User),
    /// The peer is denied access.
    Deny(DenyReason),
}

impl Verdict {
    /// Returns the verdict that admits the peer, as a user without a name.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow(User::default())
    }
}

/// The reason why a peer is denied access, with its status in ZAP (RFC 27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DenyReason {
    /// A temporary failure. The peer gets no ERROR, and tries again. Status 300.
    #[error("300: try again later")]
    TryLater,
    /// Credentials that aren't accepted. Status 400.
    #[error("400: the credentials aren't accepted")]
    Credentials,
    /// An authenticator that failed. Status 500.
    #[error("500: the authentication doesn't work")]
    Internal,
}

impl DenyReason {
    /// Returns the text in the ERROR to the peer, if the peer is sent an ERROR.
    pub(crate) const fn reason(self) -> Option<&'static str> {
        match self {
            Self::TryLater => None,
            Self::Credentials => Some("400"),
            Self::Internal => Some("500"),
        }
    }

    /// Returns the reason that the text of an ERROR stands for.
    pub(crate) fn from_reason(reason: &[u8]) -> Option<Self> {
        match reason {
            b"300" => Some(Self::TryLater),
            b"400" => Some(Self::Credentials),
            b"500" => Some(Self::Internal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deny_reason_survives_a_round_trip() {
        for (reason, deny_reason) in [
            (&b"300"[..], Some(DenyReason::TryLater)),
            (b"400", Some(DenyReason::Credentials)),
            (b"500", Some(DenyReason::Internal)),
            (b"200", None),
            (b"4000", None),
            (b"", None),
        ] {
            assert_eq!(DenyReason::from_reason(reason), deny_reason);
        }
    }
}
