//! Benches of EnfoNet: `cargo bench -p enfonet-benches`.
