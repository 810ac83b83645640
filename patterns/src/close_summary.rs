//! The outcome of closing sockets.

/// Summary of a close: the fate of the messages that waited to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseSummary {
    /// Messages that were handed to the system, or to another socket in the process.
    pub flushed: usize,
    /// Messages that weren't sent within the linger: their peers weren't connected, or didn't read them.
    pub dropped: usize,
}
