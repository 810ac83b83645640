//! The handshake, from the first byte to the first message.
//!
//! ```text
//!    we                                            the peer
//!    new() ── greeting ──────────────────────────► │     an acceptor names its mechanism
//!    │ ◄──────────────────────────────── greeting ─│     once it knows the peer's version
//!    │ ◄──────── commands of the mechanism ──────► │     NULL, PLAIN or CURVE: see there
//!    Authenticate ─► handle_verdict()              │     may the peer come in?
//!    │ ◄──────── commands of the mechanism ──────► │
//!    Complete: traffic may flow
//! ```
//!
//! The end that can reject a peer speaks last: the server with PLAIN and CURVE, and with NULL the end that
//! [accepted](config::HandshakeConfig::is_acceptor) the connection. Its READY is the output that is left at
//! [`Complete`](machine::HandshakeStep::Complete). A peer sends no message before it has READY, so a peer that is
//! rejected there loses none.
//!
//! [`Handshake`](machine::Handshake) drives it over a buffer. Call [`handle_input`](machine::Handshake::handle_input)
//! whenever bytes have arrived, and again after [`handle_verdict`](machine::Handshake::handle_verdict); send what
//! [`poll_output`](machine::Handshake::poll_output) returns after each call, also after an error: the output may have
//! an ERROR for the peer.
//!
//! Each state of a mechanism is a type that is consumed to make the next state, so no step can be taken twice or out of
//! order.

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
