//! The examples of `patterns`, as programs: each holds its conversation with pyzmq in the place of its partner, and most
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

/// Any free port.
const TCP: &str = "tcp://127.0.0.1:*";

/// A socket of pyzmq's that is bound, and where.
fn bound(pyzmq: &PyZmq, kind: &str) -> (PySocket, String) {
    let socket = pyzmq.socket(kind);
    let at = socket.bind(TCP);
    (socket, at)
}

/// A socket of pyzmq's that is connected.
fn connected(pyzmq: &PyZmq, kind: &str, endpoint: &str) -> PySocket {
    let socket = pyzmq.socket(kind);
    socket.connect(endpoint);
    socket
}

/// The lines that are expected of a program: the same, so many times.
fn times(count: usize, line: &str) -> Vec<String> {
    vec![line.into(); count]
}
