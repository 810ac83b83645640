//! The origin of an error: the side that has to change something.

/// The origin of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// The peer doesn't keep to the protocol.
    Peer,
    /// Both ends do as they are configured, and the configurations don't fit: kinds, mechanisms, keys, passwords.
    Configuration,
    /// The peer wants more than a limit of ours allows.
    Limit,
    /// Neither end: it is a matter of time.
    Transient,
    /// The program that uses this library.
    Caller,
}
