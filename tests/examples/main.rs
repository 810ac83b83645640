//! The examples of `patterns` as programs: each with pyzmq in the place of its partner, and most
//! with each other.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod balancing;
mod brokers;
mod hello;
mod mtrelay;
mod pipeline;
mod program;
mod publishing;
mod weather;

use enfonet_tests::{PySocket, PyZmq};
use program::Example;

/// Endpoint for any free TCP port.
const TCP: &str = "tcp://127.0.0.1:*";

/// Returns a bound socket of pyzmq's and its endpoint.
fn bound(pyzmq: &PyZmq, kind: &str) -> (PySocket, String) {
    let socket = pyzmq.socket(kind);
    let at = socket.bind(TCP);
    (socket, at)
}

/// Returns a connected socket of pyzmq's.
fn connected(pyzmq: &PyZmq, kind: &str, endpoint: &str) -> PySocket {
    let socket = pyzmq.socket(kind);
    socket.connect(endpoint);
    socket
}

/// Returns the expected lines of a program: one line, repeated.
fn times(count: usize, line: &str) -> Vec<String> {
    vec![line.into(); count]
}
