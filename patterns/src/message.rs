//! Messages and batches, their parts, their builders, and the conversions to them.

pub use enfonet_zmtp::{
    Batch, BatchBuilder, Envelope, Frames, IntoFrame, IntoMessage, Message, MessageBuilder, Span, Spans,
    Subscription, WrongFrameCount,
};
