//! What the fuzz targets do, as ordinary functions: each takes any octets, and panics when something is wrong.
//!
//! `harness/` runs them under libFuzzer, beginning with the octets in `seeds/`; the test `replay` runs them over
//! those once.

mod handshake;
mod pair;
mod wire;

pub use handshake::{curve_client, curve_server, null, plain_client, plain_server};
pub use pair::pair;
pub use wire::{commands, frames, greeting};

/// A target: its name, and what it does with octets.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
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
