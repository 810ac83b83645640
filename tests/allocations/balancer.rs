//! EnfoSLB in a steady flow allocates next to nothing: requests and replies are put together in memory that is used again.
//!
//! The broker runs in this process, on a thread of its own; the client and the workers are octets on plain connections, made
//! beforehand.

use std::io::{Read, Write};
use std::thread;

use enfonet_proxy::{Config, Side, slb};
use enfonet_tests::{Script, message};
use tokio::sync::oneshot;

use super::{ALLOCATOR, Figure, per_message};

/// Requests that are under way at a time.
const WINDOW: usize = 64;
const WARM_UP: usize = 200;
const MEASURED: usize = 2000;

/// The allocations for each request.
fn measure() -> f64 {
    let (ready, at) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let any = || Side::bound("tcp://127.0.0.1:*".parse().unwrap());
    let broker = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let running =
            slb::run(Config::new(any(), any()), |endpoints| ready.send(endpoints.clone()).unwrap(), async {
                let _ = stopped.await;
            });
        runtime.block_on(running).unwrap()
    });
    let at = at.recv().unwrap();
    let workers = [(); 2].map(|()| Script::join(&at.backend[0].to_string(), "REP", 1).into_stream());
    let workers = workers.map(|mut worker| {
        thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(read @ 1..) = worker.read(&mut buffer) {
                worker.write_all(&buffer[..read]).unwrap();
            }
        })
    });
    let mut client = Script::join(&at.frontend[0].to_string(), "DEALER", 1).into_stream();
    let requests = message(&[&b""[..], &[b'x'; 32]]).repeat(WINDOW);
    let mut replies = vec![0; requests.len()];
    let mut ask = |windows: usize| {
        for _ in 0..windows {
            client.write_all(&requests).unwrap();
            client.read_exact(&mut replies).unwrap();
            assert!(replies == requests, "other octets than were sent");
        }
    };
    ask(WARM_UP);
    let before = ALLOCATOR.stats();
    ask(MEASURED);
    let figure = per_message(ALLOCATOR.stats() - before, WINDOW * MEASURED);
    stop.send(()).unwrap();
    let summary = broker.join().unwrap();
    assert_eq!(summary.replies, (WINDOW * (WARM_UP + MEASURED)) as u64);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    figure
}

/// What asking and answering allocates.
pub(super) fn figures() -> Vec<Figure> {
    vec![Figure { what: "EnfoSLB, 64 requests at a time", recorded: 0.001, measured: measure() }]
}
