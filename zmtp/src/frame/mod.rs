//! Frames: the unit that ZMTP moves (RFC 37, "Framing").
//!
//! A frame is a flags byte, a length of one byte (or eight when the LONG flag is set), and a body.
//! [`FrameHeader`] reads and writes what stands before the body; [`Decoder`] walks a stream of frames
//! and cuts it into [batches](crate::Batch) of whole messages and into commands.

mod buffers;
mod decoder;
mod header;
mod limits;

pub(crate) use buffers::{room_ahead, spare};
pub use decoder::{Decoder, Event};
pub use header::{FrameError, FrameHeader};
pub use limits::Limits;
