//! Limits on the frames and messages of one peer.

/// Limits on the memory that a peer can make this side allocate. A breach is a [`FrameError`](crate::FrameError). An
/// announced frame gets room as it arrives: for as much again, or, from 64 KiB on, for eight times as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body of one frame, of a message or a command. Default 256 MiB.
    pub frame: usize,
    /// Bytes of one message: all frames with their headers. Default 256 MiB.
    pub message: usize,
    /// Frames of one message. Default 1,000,000.
    pub frames: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: 256 << 20, message: 256 << 20, frames: 1_000_000 }
    }
}

impl Limits {
    /// Returns the bytes up to which a message keeps all limits. A frame has two bytes at least, so the number of
    /// frames is bounded too.
    pub(crate) fn harmless(&self) -> usize {
        self.message.min(self.frame).min(self.frames.saturating_mul(2))
    }
}
