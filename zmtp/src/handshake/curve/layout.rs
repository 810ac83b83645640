//! The layout of CURVE's commands: the sizes of their fields, and the prefixes of their nonces.

use crate::command::name::CommandName;
use crate::curve::boxes::{LONG_NONCE, OVERHEAD, SHORT_NONCE};
use crate::curve::error::CurveError;
use crate::handshake::command::Received;
use crate::handshake::error::HandshakeError;

pub(super) const KEY: usize = 32;
/// Bytes of zeros in HELLO, which make it no shorter than WELCOME: forged HELLOs don't amplify traffic.
pub(super) const PADDING: usize = 72;
pub(super) const SIGNATURE: [u8; 64] = [0; 64];
pub(super) const VERSION: [u8; 2] = [1, 0];
pub(super) const HELLO_DATA: usize = VERSION.len() + PADDING + KEY + SHORT_NONCE + SIGNATURE.len() + OVERHEAD;
pub(super) const COOKIE: usize = LONG_NONCE + 2 * KEY + OVERHEAD;
pub(super) const WELCOME_BOX: usize = KEY + COOKIE + OVERHEAD;
pub(super) const VOUCH_BOX: usize = 2 * KEY + OVERHEAD;
pub(super) const VOUCH: usize = LONG_NONCE + VOUCH_BOX;
/// Bytes of INITIATE's box before the metadata.
pub(super) const INITIATE_HEAD: usize = KEY + VOUCH;

pub(super) const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
pub(super) const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
pub(super) const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
pub(super) const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
pub(super) const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";
pub(super) const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";

/// Cuts `N` bytes off the front.
pub(super) fn take<'a, const N: usize>(rest: &mut &'a mut [u8]) -> Option<&'a mut [u8; N]> {
    let (taken, left) = std::mem::take(rest).split_first_chunk_mut::<N>()?;
    *rest = left;
    Some(taken)
}

/// Returns the error for a command of a length that it can't have.
pub(super) fn length(command: CommandName, received: &Received) -> HandshakeError {
    CurveError::Length { command, len: received.len() }.into()
}
