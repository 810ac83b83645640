//! System calls per message with CURVE: messages that are decrypted and encrypted together are also read and written
//! together.

use std::io::Read;

use enfonet_measure::keys::{CLIENT_SECRET, SERVER_SECRET};
use enfonet_tests::{Encrypted, ScriptListener, command, command_of, file, message};
use enfonet_zmtp::{KeyPair, Security, SocketType};

use super::tracer::Traced;
use super::{BODY, MESSAGES, check, load};

/// Bytes of a MESSAGE: the header of the frame, CURVE's overhead, and the body.
const FRAME: usize = 2 + 33 + BODY;

fn keys(secret: &str) -> KeyPair {
    KeyPair::new(secret.parse().unwrap())
}

#[test]
fn push_with_curve_writes_many_messages_per_call() {
    let (listener, endpoint) = ScriptListener::bind();
    let push = load(&["--curve", "push", &endpoint, &BODY.to_string(), &MESSAGES.to_string()]);
    let server = Security::CurveServer { keys: keys(SERVER_SECRET) };
    let mut pull = Encrypted::over(listener.accept().into_stream(), SocketType::Pull, server);
    let mut received = Vec::new();
    pull.stream.read_to_end(&mut received).unwrap();
    assert!(
        pull.open(&received) == message(&[[b'x'; BODY]]).repeat(MESSAGES),
        "other messages than were sent"
    );
    check(
        "PUSH, CURVE",
        &push.finish(),
        MESSAGES,
        &[("write", 1.1), ("read", 0.2), ("wait", 0.2), ("memory", 0.5)],
    );
}

#[test]
fn enfomq_with_curve_reads_and_writes_messages_together() {
    const WINDOW: usize = 16;
    const WINDOWS: usize = 1000;
    let ((publishers, frontend), (subscribers, backend)) = (ScriptListener::bind(), ScriptListener::bind());
    let folder = tempfile::tempdir().unwrap();
    let secret = file(&folder, "secret", 0o600, SERVER_SECRET);
    let mut program = command_of("enfonet-programs", "enfomq");
    program.args(["--frontend-connect", &frontend, "--backend-connect", &backend, "--curve-secret", &secret]);
    let broker = Traced::start(program);
    let join = |listener: &ScriptListener, kind| {
        let server = *keys(SERVER_SECRET).public();
        let client = Security::CurveClient { keys: keys(CLIENT_SECRET), server };
        Encrypted::over(listener.accept().into_stream(), kind, client)
    };
    let mut publisher = join(&publishers, SocketType::Pub);
    let mut subscriber = join(&subscribers, SocketType::Sub);
    subscriber.send(&command("SUBSCRIBE", b""));
    subscriber.settle();
    let messages = message(&[[b'x'; BODY]]).repeat(WINDOW);
    let mut received = [0; WINDOW * FRAME];
    for _ in 0..WINDOWS {
        publisher.send(&messages);
        subscriber.stream.read_exact(&mut received).unwrap();
        assert!(subscriber.open(&received) == messages, "other messages than were sent");
    }
    check(
        "EnfoMQ, CURVE",
        &broker.kill(),
        WINDOWS * WINDOW,
        &[("write", 63.5), ("read", 63.5), ("wait", 63.5)],
    );
}
