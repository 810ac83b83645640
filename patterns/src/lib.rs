#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod auth;
pub mod blocking;
mod close_summary;
mod connection;
mod context;
mod core;
pub mod endpoint;
pub mod error;
mod escaped;
mod log_limiter;
pub mod message;
pub mod monitor;
pub mod options;
pub mod peer;
pub mod proxy;
mod queue;
mod routing;
mod session;
mod settings;
mod size;
pub mod socket;
mod transport;
mod tuning;
pub mod zap;

#[doc(inline)]
pub use context::Context;
#[doc(inline)]
pub use endpoint::Endpoint;
#[doc(inline)]
pub use message::Message;
#[doc(inline)]
pub use options::Options;
#[doc(inline)]
pub use socket::{Client, Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
