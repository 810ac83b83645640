//! The handshake of CURVE (RFC 26): both ends authenticate by their keys, and encrypt all that follows.
//!
//! Capital letters are long-term public keys, small ones the secret keys to them; `C'` and `S'` are made for
//! the connection and forgotten with it.
//!
//! ```text
//!    client                                                              server
//!    HELLO C', Box[zeros](C'→S) ───────────────────────────────────────► │
//!    │ ◄────────────────── WELCOME Box[S', cookie = Box[C', s'](K)](S→C')│
//!    INITIATE cookie, Box[C, vouch = Box[C', S](C→S'), metadata](C'→S')─►│  decides on C
//!    │ ◄──────────────────────────────────── READY Box[metadata](S'→C') ─│  or ERROR
//! ```

pub(super) mod client;
mod layout;
pub(super) mod server;
