//! Allocations of EnfoMQ with CURVE on both sides: it decrypts and encrypts into reused buffers.
//!
//! Its peers are bytes on plain connections, encrypted in advance and decrypted afterwards, so that every allocation
//! during the flow is the broker's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use enfonet::Options;
use enfonet::auth::{KeyPair, Security, new_key_pair};
use enfonet_proxy::{Config, Side};
use enfonet_tests::{Encrypted, Mq, Runtime, Script, command};
use enfonet_zmtp::SocketType;

use super::broker::{BODY, CYCLE, Flow, UNDER_WAY, cycle};
use super::{ALLOCATOR, Figure, per_message};

/// Number of cycles: fewer than without CURVE, since all are kept in memory, each with its own nonces.
const WARM_UP: usize = 50;
const MEASURED: usize = 200;
/// Bytes of a MESSAGE: the header of the frame, CURVE's overhead, and the body.
const FRAME: usize = 2 + 33 + BODY;

/// Starts a broker with these keys on both sides.
fn broker(runtime: &Runtime, keys: &KeyPair) -> Mq {
    let side = || Side {
        options: Options::default().security(Security::CurveServer { keys: keys.clone() }),
        ..Side::bound("tcp://127.0.0.1:*".parse().unwrap())
    };
    Mq::start_with(runtime, Config::new(side(), side()))
}

fn join(endpoint: &str, kind: SocketType, broker: &KeyPair) -> Encrypted {
    let security = Security::CurveClient { keys: new_key_pair(), server: *broker.public() };
    Encrypted::over(Script::connect(endpoint).into_stream(), kind, security)
}

/// Fills the buffer with received bytes.
fn fill(mut stream: TcpStream, buffer: &mut [u8], flow: &Flow) {
    let mut filled = 0;
    while filled < buffer.len() {
        let read = stream.read(&mut buffer[filled..]).unwrap();
        assert!(read > 0, "the broker has closed after {filled} bytes");
        filled += read;
        flow.received(read);
    }
}

/// Sends the cycles to a subscriber, and returns the allocations per message.
fn measure() -> f64 {
    let mut figure = f64::NAN;
    let (runtime, keys) = (Runtime::on_one_thread(), new_key_pair());
    let broker = broker(&runtime, &keys);
    let mut subscriber = join(&broker.backend(), SocketType::Sub, &keys);
    subscriber.send(&command("SUBSCRIBE", b""));
    subscriber.settle();
    let mut publisher = join(&broker.frontend(), SocketType::Pub, &keys);
    let messages = cycle(&[""]).concat();
    let cycles: Vec<_> = (0..WARM_UP + MEASURED).map(|_| publisher.seal(&messages)).collect();
    let (mut received, flow) = (vec![0; cycles.len() * CYCLE * FRAME], Flow::default());
    thread::scope(|scope| {
        let stream = subscriber.stream.try_clone().unwrap();
        scope.spawn(|| fill(stream, &mut received, &flow));
        let mut send = |cycles: &[bytes::BytesMut]| {
            for cycle in cycles {
                publisher.stream.write_all(cycle).unwrap();
                flow.sent(cycle.len());
                flow.wait(UNDER_WAY);
            }
            flow.wait(0);
        };
        let (warm_up, measured) = cycles.split_at(WARM_UP);
        send(warm_up);
        let before = ALLOCATOR.stats();
        send(measured);
        figure = per_message(ALLOCATOR.stats() - before, CYCLE * MEASURED);
    });
    assert!(subscriber.open(&received) == messages.repeat(cycles.len()), "other messages than were sent");
    assert_eq!(broker.stop(&runtime).messages, (CYCLE * cycles.len()) as u64);
    figure
}

/// Measures the allocations of forwarding with CURVE.
pub(super) fn figures() -> Vec<Figure> {
    vec![Figure { what: "EnfoMQ with CURVE, to one subscriber", recorded: 0.001, measured: measure() }]
}
