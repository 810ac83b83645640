//! Messages: one or more frames that are delivered together or not at all (RFC 37, "Framing").

pub(crate) mod batch;
pub(crate) mod batch_builder;
pub(crate) mod envelope;
pub(crate) mod into_frame;
pub(crate) mod into_message;
#[expect(clippy::module_inception, reason = "the folder has the name of the type in it")]
pub(crate) mod message;
pub(crate) mod message_builder;
mod message_bytes;
pub(crate) mod small;
pub(crate) mod span;
pub(crate) mod std_traits;
pub(crate) mod wire;
