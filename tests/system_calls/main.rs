//! System calls per message, of programs with one thread: figures that don't vary as times do.
//!
//! `enfonet-load`, a program as users of the library write it, runs under a tracer that counts. Its peer is bytes on a
//! plain connection in this process. The recorded figures are those of the current code. A change that improves a
//! figure records it; a change that worsens a figure must intend that.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod curve;
mod fan;
mod tracer;

use std::io::Write;

use enfonet_tests::{Script, ScriptListener, command_of, echo, message};
use tracer::{Calls, Traced};

const BODY: usize = 32;
/// Number of messages that are sent without waiting for any.
const MESSAGES: usize = 50_000;
/// Number of requests that are sent one after the other, including the program's warm-up.
const REQUESTS: usize = 2000;

fn load(arguments: &[&str]) -> Traced {
    let mut command = command_of("enfonet-benches", "enfonet-load");
    command.args(arguments);
    Traced::start(command)
}

/// Asserts that a thousand messages take at most the recorded calls, with a tolerance of a half and of 0.5 calls.
fn check(what: &str, calls: &Calls, messages: usize, recorded: &[(&str, f64)]) {
    let mut worse = Vec::new();
    for (name, recorded) in recorded {
        let measured = calls.get(name).copied().unwrap_or_default() as f64 * 1000.0 / messages as f64;
        println!("{what:16} {name:8} {measured:8.1} for 1,000 messages (recorded: {recorded:.1})");
        if measured > recorded * 1.5 + 0.5 {
            worse.push(*name);
        }
    }
    assert!(worse.is_empty(), "{what}: more calls than are recorded: {worse:?} of {calls:?}");
}

/// Accepts a scripted peer of this type.
fn accept(listener: &ScriptListener, kind: &str) -> Script {
    let mut script = listener.accept();
    script.handshake(kind, 1);
    script
}

#[test]
fn push_writes_many_messages_per_call() {
    let (listener, endpoint) = ScriptListener::bind();
    let push = load(&["push", &endpoint, &BODY.to_string(), &MESSAGES.to_string()]);
    let mut bytes = accept(&listener, "PULL").into_stream();
    let received = std::io::copy(&mut bytes, &mut std::io::sink()).unwrap();
    assert_eq!(received, (MESSAGES * (BODY + 2)) as u64);
    check("PUSH", &push.finish(), MESSAGES, &[("write", 1.1), ("read", 0.2), ("wait", 0.2), ("memory", 0.5)]);
}

#[test]
fn rep_reads_and_writes_many_messages_per_call() {
    let (listener, endpoint) = ScriptListener::bind();
    let rep = load(&["rep", &endpoint, "connect"]);
    let mut bytes = accept(&listener, "DEALER").into_stream();
    let request = message(&[&b""[..], &[b'x'; BODY]]);
    let mut requests = bytes.try_clone().unwrap();
    let all = request.repeat(MESSAGES);
    std::thread::scope(|scope| {
        scope.spawn(|| requests.write_all(&all).unwrap());
        let mut replies = vec![0; all.len()];
        std::io::Read::read_exact(&mut bytes, &mut replies).unwrap();
        assert!(replies == all, "other bytes than were sent");
    });
    check("REP", &rep.kill(), MESSAGES, &[("write", 1.1), ("read", 0.5), ("wait", 0.2), ("memory", 0.5)]);
}

#[test]
fn req_makes_one_write_one_read_and_one_wait_per_request() {
    let (listener, endpoint) = ScriptListener::bind();
    let more = (REQUESTS - 1000).to_string();
    let req = load(&["req", &endpoint, &BODY.to_string(), &more]);
    let mut rep = accept(&listener, "REP");
    let request = message(&[&b""[..], &[b'x'; BODY]]);
    for _ in 0..REQUESTS {
        rep.expect(&request);
        rep.send(&request);
    }
    check("REQ", &req.finish(), REQUESTS, &[("write", 1000.0), ("read", 1000.0), ("wait", 1000.0)]);
}

#[test]
fn a_load_balancer_forwards_messages_together() {
    const WINDOW: usize = 16;
    const WINDOWS: usize = 1000;
    let ((clients, frontend), (workers, backend)) = (ScriptListener::bind(), ScriptListener::bind());
    let mut command = command_of("enfonet-programs", "enfoslb");
    command.args(["--frontend-connect", &frontend, "--backend-connect", &backend]);
    let broker = Traced::start(command);
    let mut client = accept(&clients, "DEALER").into_stream();
    let worker = accept(&workers, "REP").into_stream();
    let requests = message(&[&b""[..], &[b'x'; BODY]]).repeat(WINDOW);
    std::thread::scope(|scope| {
        scope.spawn(|| echo(worker));
        let mut replies = vec![0; requests.len()];
        for _ in 0..WINDOWS {
            client.write_all(&requests).unwrap();
            std::io::Read::read_exact(&mut client, &mut replies).unwrap();
            assert!(replies == requests, "other bytes than were sent");
        }
        check(
            "EnfoSLB",
            &broker.kill(),
            WINDOWS * WINDOW,
            &[("write", 125.0), ("read", 125.0), ("wait", 130.0)],
        );
    });
}
