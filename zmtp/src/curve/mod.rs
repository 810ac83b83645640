//! CURVE: encryption and authentication of traffic (RFC 26, CurveZMQ).
//!
//! Every command of the mechanism holds a box: bytes that only the two ends can open, and that fail to open when they
//! were changed. A nonce makes each box different. The handshake is in [`Handshake`](crate::Handshake); here are the
//! [boxes] themselves and the [`Sealer`](traffic::Sealer) and [`Opener`](traffic::Opener) of the traffic behind it.

pub(crate) mod boxes;
pub(crate) mod error;
pub(crate) mod traffic;
