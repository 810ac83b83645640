#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// Version 1 of the messages: the package `enfonet.v1`. Incompatible changes go into a `v2` beside it.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/enfonet.v1.rs"));
}

/// Type of a payload.
pub use bytes::Bytes;
/// The crate `prost`, whose trait [`prost::Message`] encodes and decodes the messages.
pub use prost;
/// A point in time; converts from and to [`SystemTime`](std::time::SystemTime).
pub use prost_types::Timestamp;
#[doc(inline)]
pub use v1::{Event, Failure, FailureCode, Request, Response, response::Outcome};

/// Text of `enfonet/v1/event.proto`, for programs that pass the schema on or compile it at run time.
pub const EVENT_SCHEMA: &str = include_str!("../proto/enfonet/v1/event.proto");

/// Text of `enfonet/v1/call.proto`, like [`EVENT_SCHEMA`].
pub const CALL_SCHEMA: &str = include_str!("../proto/enfonet/v1/call.proto");
