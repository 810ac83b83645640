#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// Version 1 of the messages: the package `enfonet.v1`. What breaks compatibility goes into a `v2` beside it.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/enfonet.v1.rs"));
}

/// Type of a payload.
pub use bytes::Bytes;
/// To encode and decode: the trait [`prost::Message`], in the version that the messages implement.
pub use prost;
/// A point in time; converts from and to [`SystemTime`](std::time::SystemTime).
pub use prost_types::Timestamp;
#[doc(inline)]
pub use v1::{Event, Failure, FailureCode, Request, Response, response::Outcome};

/// The text of `enfonet/v1/event.proto`, for programs that hand the schema on or compile it at run time.
pub const EVENT_SCHEMA: &str = include_str!("../proto/enfonet/v1/event.proto");

/// The text of `enfonet/v1/call.proto`, like [`EVENT_SCHEMA`].
pub const CALL_SCHEMA: &str = include_str!("../proto/enfonet/v1/call.proto");
