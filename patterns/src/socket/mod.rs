//! The kinds of sockets, one type each, so that an operation that a kind doesn't have doesn't compile.

mod common;
mod dealer;
mod hub;
mod r#pub;
mod publish;
mod rep;
mod req;
mod router;
mod sub;
mod xpub;
mod xsub;

pub use common::{PeerEvent, Unsent};
pub use dealer::Dealer;
pub use r#pub::Pub;
pub use rep::{Rep, Request};
pub use req::{Req, RequestError};
pub use router::Router;
pub use sub::Sub;
pub use xpub::{FromSubscriber, XPub};
pub use xsub::XSub;
