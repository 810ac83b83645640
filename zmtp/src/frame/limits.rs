//! How much one peer may send.

/// Bounds on what one peer may make us hold. A breach is a [`FrameError`](crate::FrameError). What is announced gets
/// room as it arrives: for as much again, or, from 64 KiB on, for eight times as much.
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
    /// A message of no more bytes keeps to all of them: a frame has two at least.
    pub(crate) fn harmless(&self) -> usize {
        self.message.min(self.frame).min(self.frames.saturating_mul(2))
    }
}
