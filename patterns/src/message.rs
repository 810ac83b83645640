//! Messages and batches in their wire form, and what makes them.

pub use enfonet_zmtp::{
    Batch, BatchBuilder, Envelope, Frames, IntoFrame, IntoMessage, Message, MessageBuilder, Span, Spans,
    Subscription, WrongFrameCount,
};
