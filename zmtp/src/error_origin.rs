//! The origin of an error: the side that has to change something.

/// The origin of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// The peer, which breaks the protocol.
    Peer,
    /// Configurations of the two ends that don't fit: socket types, mechanisms, keys, passwords.
    Configuration,
    /// A limit of this side, which the peer exceeds.
    Limit,
    /// Neither end: a later attempt may succeed.
    Transient,
    /// The program that uses this library, by a wrong call.
    Caller,
}
