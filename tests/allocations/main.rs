//! Allocations per message: a figure that holds still where times don't.
//!
//! The recorded figures are those of the code as it is. A change that makes a figure better records it; a change that
//! makes a figure worse has to be meant.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod balancer;
mod broker;
mod curve;
mod sockets;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One kind of traffic.
struct Figure {
    what: &'static str,
    /// Allocations for each message, as recorded.
    recorded: f64,
    /// As measured.
    measured: f64,
}

impl Figure {
    /// A quarter more is noise, and so is one in 500 messages: buffers grow at other moments in each run.
    fn is_kept(&self) -> bool {
        self.measured <= self.recorded * 1.25 + 0.002
    }
}

/// Allocations for each of so many messages.
fn per_message(made: Stats, messages: usize) -> f64 {
    (made.allocations + made.reallocations) as f64 / messages as f64
}

/// One test, since two at a time would count each other's.
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
