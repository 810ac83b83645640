//! Socket types, and the pairs of types that are compatible (RFC 37, "The Socket-Type Property").

use std::fmt;

/// The type of a socket, as announced in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the field's own")]
pub enum SocketType {
    Req,
    Rep,
    Dealer,
    Router,
    Pub,
    XPub,
    Sub,
    XSub,
    Push,
    Pull,
    Pair,
}

impl SocketType {
    /// All socket types.
    pub const ALL: [Self; 11] = [
        Self::Req,
        Self::Rep,
        Self::Dealer,
        Self::Router,
        Self::Pub,
        Self::XPub,
        Self::Sub,
        Self::XSub,
        Self::Push,
        Self::Pull,
        Self::Pair,
    ];

    /// Returns the name on the wire, in upper case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pub => "PUB",
            Self::XPub => "XPUB",
            Self::Sub => "SUB",
            Self::XSub => "XSUB",
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Pair => "PAIR",
        }
    }

    /// Returns whether sockets of the two types may be connected (RFC 37). The order of the types doesn't matter.
    #[must_use]
    pub const fn is_compatible(self, peer: Self) -> bool {
        use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
        matches!(
            (self, peer),
            (Req, Rep | Router)
                | (Rep, Req | Dealer)
                | (Dealer, Rep | Dealer | Router)
                | (Router, Req | Dealer | Router)
                | (Pub | XPub, Sub | XSub)
                | (Sub | XSub, Pub | XPub)
                | (Push, Pull)
                | (Pull, Push)
                | (Pair, Pair)
        )
    }

    /// Returns whether sockets of the type announce an identity, also known as routing id.
    #[must_use]
    pub const fn announces_identity(self) -> bool {
        matches!(self, Self::Req | Self::Dealer | Self::Router)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error of a name that isn't the name of a socket type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown socket type")]
pub struct UnknownSocketType;

/// Conversion from the exact bytes of the name: neither "dealer" nor "DEALERX" is "DEALER".
impl TryFrom<&[u8]> for SocketType {
    type Error = UnknownSocketType;

    fn try_from(name: &[u8]) -> Result<Self, UnknownSocketType> {
        Self::ALL.into_iter().find(|t| t.name().as_bytes() == name).ok_or(UnknownSocketType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibility_is_symmetric_and_matches_the_rfc() {
        let mut pairs = Vec::new();
        for a in SocketType::ALL {
            for b in SocketType::ALL {
                assert_eq!(a.is_compatible(b), b.is_compatible(a), "{a} {b}");
                if a.is_compatible(b) && a <= b {
                    pairs.push(format!("{a}-{b}"));
                }
            }
        }
        assert_eq!(
            pairs,
            [
                "REQ-REP",
                "REQ-ROUTER",
                "REP-DEALER",
                "DEALER-DEALER",
                "DEALER-ROUTER",
                "ROUTER-ROUTER",
                "PUB-SUB",
                "PUB-XSUB",
                "XPUB-SUB",
                "XPUB-XSUB",
                "PUSH-PULL",
                "PAIR-PAIR"
            ]
        );
    }

    #[test]
    fn socket_type_names_are_matched_exactly() {
        for socket_type in SocketType::ALL {
            assert_eq!(SocketType::try_from(socket_type.name().as_bytes()), Ok(socket_type));
        }
        for name in ["", "dealer", "DEALERX", "DEALE"] {
            assert_eq!(SocketType::try_from(name.as_bytes()), Err(UnknownSocketType));
        }
    }
}
