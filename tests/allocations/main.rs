//! Allocations per message: figures that don't vary as times do.
//!
//! The recorded figures are those of the current code. A change that improves a figure records it; a change that
//! worsens a figure must intend that.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod balancer;
mod broker;
mod curve;
mod sockets;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Name of the traffic.
struct Figure {
    what: &'static str,
    /// Recorded allocations per message.
    recorded: f64,
    /// Measured allocations per message.
    measured: f64,
}

impl Figure {
    /// Returns whether the figure is at most a quarter, and one in 500 messages, above the record. Less is noise.
    fn is_kept(&self) -> bool {
        self.measured <= self.recorded * 1.25 + 0.002
    }
}

/// Returns the allocations per message.
fn per_message(made: Stats, messages: usize) -> f64 {
    (made.allocations + made.reallocations) as f64 / messages as f64
}

/// Compares all figures in one test, since concurrent tests would count each other's allocations.
#[test]
fn no_traffic_allocates_more_than_recorded() {
    let mut figures = sockets::figures();
    figures.extend(broker::figures());
    figures.extend(curve::figures());
    figures.extend(balancer::figures());
    for Figure { what, recorded, measured } in &figures {
        println!("{what:44} {measured:8.4} allocations a message (recorded: {recorded:.4})");
    }
    let worse: Vec<_> = figures.iter().filter(|figure| !figure.is_kept()).map(|figure| figure.what).collect();
    assert!(worse.is_empty(), "more allocations than are recorded: {worse:?}");
}
