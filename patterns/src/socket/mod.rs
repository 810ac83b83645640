//! Socket types: one for each kind, so that an operation that a kind doesn't have doesn't compile.

mod client;
mod common;
mod dealer;
mod events;
mod next_peer;
mod one_peer;
mod pair;
mod permit;
mod r#pub;
mod publish;
mod pull;
mod push;
mod receive;
mod receiving;
mod relay;
mod rep;
mod req;
mod router;
mod sink;
mod sub;
mod xpub;
mod xsub;

pub use client::Client;
pub use dealer::Dealer;
pub use events::PeerEvent;
pub use pair::Pair;
pub use permit::Permit;
pub use r#pub::Pub;
pub use pull::Pull;
pub use push::Push;
pub use receive::Receive;
pub use receiving::SocketStream;
pub use relay::Relay;
pub use rep::{Rep, Request, Responder};
pub use req::Req;
pub use router::Router;
pub use sink::SocketSink;
pub use sub::Sub;
pub use xpub::{XPub, XPubEvent};
pub use xsub::XSub;

pub use crate::close_summary::CloseSummary;
