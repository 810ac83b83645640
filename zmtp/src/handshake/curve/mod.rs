//! CURVE (RFC 26): both ends know each other by their keys, and nobody else can read what they say.
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
pub(super) mod server;

use super::HandshakeError;
use super::command::Received;
use crate::CurveError;
use crate::curve::boxes::{LONG_NONCE, OVERHEAD, SHORT_NONCE};

const HELLO: &str = "HELLO";
const WELCOME: &str = "WELCOME";
const INITIATE: &str = "INITIATE";

const KEY: usize = 32;
/// Zeros in HELLO, so that WELCOME isn't longer than the HELLO that it answers: forged HELLOs flood nobody.
const PADDING: usize = 72;
const SIGNATURE: [u8; 64] = [0; 64];
const VERSION: [u8; 2] = [1, 0];
const HELLO_DATA: usize = VERSION.len() + PADDING + KEY + SHORT_NONCE + SIGNATURE.len() + OVERHEAD;
const COOKIE: usize = LONG_NONCE + 2 * KEY + OVERHEAD;
const WELCOME_BOX: usize = KEY + COOKIE + OVERHEAD;
const VOUCH_BOX: usize = 2 * KEY + OVERHEAD;
const VOUCH: usize = LONG_NONCE + VOUCH_BOX;
/// Bytes of INITIATE's box besides metadata.
const INITIATE_HEAD: usize = KEY + VOUCH;

const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";
const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";

/// Cuts `N` bytes off the front.
fn take<'a, const N: usize>(rest: &mut &'a mut [u8]) -> Option<&'a mut [u8; N]> {
    let (taken, left) = std::mem::take(rest).split_first_chunk_mut::<N>()?;
    *rest = left;
    Some(taken)
}

/// Returns the error for a command of a length that it can't have.
fn length(command: &'static str, received: &Received) -> HandshakeError {
    CurveError::Length { command, len: received.len() }.into()
}
