//! One socket with four peers: each write and each read carries as much as with one peer.

use std::io::Write;
use std::net::TcpStream;

use enfonet_tests::{ScriptListener, message};

use crate::tracer::Calls;
use crate::{accept, check, load};

const PEERS: usize = 4;
/// Number of messages of 16 KiB: so many that growing the heap at the start is a small part of the page faults.
const LARGE_MESSAGES: usize = 32_000;
/// Number of messages in a write of a peer.
const PIECE: usize = 50;

/// Runs a load program with four scripted peers of type `kind`, each of which `play`s on a thread of its own. Returns
/// the program's calls.
fn run(role: &[&str], kind: &str, size: usize, count: usize, play: impl Fn(TcpStream) + Sync) -> Calls {
    let (listeners, endpoints): (Vec<_>, Vec<_>) = (0..PEERS).map(|_| ScriptListener::bind()).unzip();
    let (size, count) = (size.to_string(), count.to_string());
    let mut arguments = role.to_vec();
    arguments.extend([&endpoints[0][..], &size, &count]);
    arguments.extend(endpoints[1..].iter().map(String::as_str));
    let program = load(&arguments);
    std::thread::scope(|scope| {
        for listener in &listeners {
            let stream = accept(listener, kind).into_stream();
            scope.spawn(|| play(stream));
        }
    });
    program.finish()
}

/// Counts the calls of a PUSH with four PULL peers.
fn fan_out(size: usize, count: usize) -> Calls {
    run(&["push"], "PULL", size, count, |mut stream| {
        let received = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
        assert_eq!(received, (count / PEERS * message(&[&vec![b'x'; size][..]]).len()) as u64);
    })
}

/// Counts the calls of a PULL with four PUSH peers.
fn fan_in(role: &[&str], size: usize, count: usize) -> Calls {
    let piece = message(&[&vec![b'x'; size][..]]).repeat(PIECE);
    run(role, "PUSH", size, count, |mut stream| {
        for _ in 0..count / PEERS / PIECE {
            stream.write_all(&piece).unwrap();
        }
    })
}

// Page faults are those of the whole program: some 400 to 600 at its start, and up to 1,100 in all, as its heap grows
// more or less. So their records are upper ends; those of reads too, since on a busy machine less may have arrived. How
// many connections share a wait depends on the time, so waits aren't recorded.

#[test]
fn push_writes_as_much_to_each_of_four_peers_as_to_one() {
    let recorded = [("write", 9.0), ("fault", 25.0)];
    check("PUSH, 4 x 1 KiB", &fan_out(1024, 40_000), 40_000, &recorded);
    let recorded = [("write", 148.0), ("fault", 30.0)];
    check("PUSH, 4 x 16 KiB", &fan_out(16_384, LARGE_MESSAGES), LARGE_MESSAGES, &recorded);
}

#[test]
fn pull_reads_as_much_from_each_of_four_peers_as_from_one() {
    let recorded = [("read", 9.5), ("fault", 25.0)];
    check("PULL, 4 x 1 KiB", &fan_in(&["pull"], 1024, 40_000), 40_000, &recorded);
    let recorded = [("read", 145.0), ("fault", 45.0)];
    check("PULL, 4 x 16 KiB", &fan_in(&["pull"], 16_384, LARGE_MESSAGES), LARGE_MESSAGES, &recorded);
}

#[test]
fn pull_in_the_future_of_block_on_reads_no_further_ahead_than_in_a_task() {
    let recorded = [("read", 145.0), ("fault", 45.0)];
    check(
        "PULL, in main",
        &fan_in(&["--in-main", "pull"], 16_384, LARGE_MESSAGES),
        LARGE_MESSAGES,
        &recorded,
    );
}
