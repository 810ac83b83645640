//! Allocations of EnfoSLB in a steady flow: next to none, since requests and replies are built in reused
//! memory.
//!
//! The broker runs in this process, on its own thread. The client and the workers are bytes on plain connections,
//! prepared in advance.

use std::io::{Read, Write};
use std::thread;

use enfonet_tests::{Runtime, Script, Slb, echo, message};

use super::{ALLOCATOR, Figure, per_message};

/// Number of concurrent requests.
const WINDOW: usize = 64;
const WARM_UP: usize = 200;
const MEASURED: usize = 2000;

/// Sends requests through a broker, and returns the allocations per request.
fn measure() -> f64 {
    let runtime = Runtime::on_one_thread();
    let broker = Slb::tcp(&runtime);
    let workers = [(); 2].map(|()| Script::join(&broker.backend(), "REP", 1).into_stream());
    let workers = workers.map(|worker| thread::spawn(|| echo(worker)));
    let mut client = Script::join(&broker.frontend(), "DEALER", 1).into_stream();
    let requests = message(&[&b""[..], &[b'x'; 32]]).repeat(WINDOW);
    let mut replies = vec![0; requests.len()];
    let mut ask = |windows: usize| {
        for _ in 0..windows {
            client.write_all(&requests).unwrap();
            client.read_exact(&mut replies).unwrap();
            assert!(replies == requests, "other bytes than were sent");
        }
    };
    ask(WARM_UP);
    let before = ALLOCATOR.stats();
    ask(MEASURED);
    let figure = per_message(ALLOCATOR.stats() - before, WINDOW * MEASURED);
    assert_eq!(broker.stop(&runtime).replies, (WINDOW * (WARM_UP + MEASURED)) as u64);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    figure
}

/// Measures the allocations per request and its reply.
pub(super) fn figures() -> Vec<Figure> {
    vec![Figure { what: "EnfoSLB, 64 requests at a time", recorded: 0.001, measured: measure() }]
}
