//! Both ends of a handshake, from the first octet to the first message, by mechanism.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use enfonet_zmtp::{
    Entropy, Established, Handshake, HandshakeConfig, KeyPair, Login, SecretKey, Security, SocketType, Step,
    Verdict,
};

fn mechanisms() -> [(&'static str, [Security; 2]); 3] {
    let keys = |octet| KeyPair::new(SecretKey::from_bytes([octet; 32]));
    let server = *keys(1).public();
    let login = Login::new("user", "password").expect("short enough");
    let curve = [Security::CurveServer { keys: keys(1) }, Security::CurveClient { keys: keys(2), server }];
    [
        ("null", [Security::Null, Security::Null]),
        ("plain", [Security::PlainServer, Security::PlainClient(login)]),
        ("curve", curve),
    ]
}

fn start([server, client]: [Security; 2]) -> [Handshake; 2] {
    let end = |kind, security, octet: u8| {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(kind) };
        Handshake::new(config, [octet; Entropy::LEN].into())
    };
    [end(SocketType::Router, server, 3), end(SocketType::Dealer, client, 4)]
}

fn shake(mut ends: [Handshake; 2]) -> [Option<Box<Established>>; 2] {
    let (mut inputs, mut established) = ([BytesMut::new(), BytesMut::new()], [None, None]);
    while established.iter().any(Option::is_none) {
        for at in 0..2 {
            inputs[at].extend_from_slice(&ends[1 - at].poll_output());
            if established[at].is_none() {
                established[at] = advance(&mut ends[at], &mut inputs[at]);
            }
        }
    }
    established
}

fn advance(end: &mut Handshake, input: &mut BytesMut) -> Option<Box<Established>> {
    loop {
        match end.handle_input(input).expect("two honest ends") {
            Step::NeedInput => return None,
            Step::Authenticate(_) => end.handle_verdict(Verdict::allow()).expect("it was asked"),
            Step::Complete(established) => return Some(established),
        }
    }
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    for (name, securities) in mechanisms() {
        group.bench_function(name, |b| {
            b.iter_batched(|| start(securities.clone()), shake, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, handshake);
criterion_main!(benches);
