//! From the first byte to the first message.
//!
//! ```text
//!    we                                            the peer
//!    new() ── greeting ──────────────────────────► │     who accepts tells its mechanism
//!    │ ◄──────────────────────────────── greeting ─│     once it knows the peer's version
//!    │ ◄──────── commands of the mechanism ──────► │     NULL, PLAIN or CURVE: see there
//!    HandshakeStep::Authenticate ─► handle_verdict()        │     may it come in?
//!    │ ◄──────── commands of the mechanism ──────► │
//!    HandshakeStep::Complete: traffic may flow
//! ```
//!
//! The end that can reject a peer speaks last: the server with PLAIN and CURVE, and with NULL the end that
//! [accepted](config::HandshakeConfig::is_acceptor) the connection. Its READY is the output that is left at
//! [`Complete`](machine::HandshakeStep::Complete). A peer that hasn't got it has sent no message, so a peer that is rejected there loses none.
//!
//! [`Handshake`](machine::Handshake) drives it over a buffer. Call [`handle_input`](machine::Handshake::handle_input) whenever bytes have
//! arrived, and again after [`handle_verdict`](machine::Handshake::handle_verdict); send what
//! [`poll_output`](machine::Handshake::poll_output) gives after each call, errors included: they may have told the peer.
//!
//! Each state of a mechanism is a type that is consumed to make the next, so no step can be taken twice or out
//! of order.

mod command;
pub(crate) mod config;
mod curve;
pub(crate) mod entropy;
pub(crate) mod error;
pub(crate) mod machine;
mod null;
mod plain;
pub(crate) mod properties;
pub(crate) mod state;
#[cfg(test)]
mod tests;
mod zmtp2;
