//! Frames: the unit of bytes that ZMTP moves (RFC 37, "Framing"), and the limits on them.
//!
//! A frame is a flags byte, a length of one byte (or eight when the LONG flag is set), and a body.
//! [`FrameHeader`](header::FrameHeader) reads and writes the header before the body.

pub(crate) mod header;
pub(crate) mod limits;
