//! The fuzz targets as ordinary functions: each takes any bytes, and panics when something is wrong.
//!
//! `harness/` runs them under libFuzzer, beginning with the bytes in `seeds/`. The test `replay` runs them over the
//! seeds, whole, cut off and changed.

mod handshake;
mod pair;
mod wire;

pub use handshake::{curve_client, curve_server, null, plain_client, plain_server};
pub use pair::pair;
pub use wire::{commands, frames, greeting};

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("greeting", greeting),
    ("frames", frames),
    ("commands", commands),
    ("null", null),
    ("plain_client", plain_client),
    ("plain_server", plain_server),
    ("curve_client", curve_client),
    ("curve_server", curve_server),
    ("pair", pair),
];
