//! Encrypting what is sent and decrypting what is received.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enfonet_zmtp::{
    Batch, Entropy, Event, Handshake, HandshakeConfig, Incoming, KeyPair, Limits, Message, Sealer, SecretKey,
    Security, SocketType, Step, Verdict,
};

/// What one end encrypts, the other decrypts.
fn ends() -> (Sealer, Incoming) {
    let keys = |octet| KeyPair::new(SecretKey::from_bytes([octet; 32]));
    let server = *keys(1).public();
    let securities =
        [Security::CurveServer { keys: keys(1) }, Security::CurveClient { keys: keys(2), server }];
    let mut ends = securities.map(|security| {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Pair) };
        (Handshake::new(config, Entropy::none()), BytesMut::new(), None)
    });
    while ends.iter().any(|(.., established)| established.is_none()) {
        for at in 0..2 {
            let sent = ends[1 - at].0.poll_output();
            let (handshake, input, established) = &mut ends[at];
            input.extend_from_slice(&sent);
            if established.is_none() {
                match handshake.handle_input(input).expect("two honest ends") {
                    Step::Authenticate(_) => {
                        handshake.handle_verdict(Verdict::allow()).expect("it was asked")
                    }
                    Step::Complete(done) => *established = Some(done),
                    Step::NeedInput => {}
                }
            }
        }
    }
    let [server, client] = ends.map(|(.., established)| established.expect("both are done"));
    let incoming = Incoming::new(BytesMut::new(), Limits::default(), client.opener);
    (server.sealer.expect("CURVE encrypts"), incoming)
}

fn curve(c: &mut Criterion) {
    let mut group = c.benchmark_group("curve");
    for size in [32, 256, 1024, 16_384] {
        let batch: Batch = (0..100).map(|_| Message::from(vec![b'x'; size])).collect();
        group.throughput(Throughput::Elements(100));
        group.bench_with_input(BenchmarkId::new("seal", size), &batch, |b, batch| {
            let ((mut sealer, _), mut out) = (ends(), BytesMut::new());
            b.iter(|| {
                out.clear();
                sealer.seal(batch, &mut out).expect("nonces are left");
                out.len()
            });
        });
        group.bench_with_input(BenchmarkId::new("seal and open", size), &batch, |b, batch| {
            let (mut sealer, mut incoming) = ends();
            b.iter(|| {
                sealer.seal(batch, incoming.reserve(0)).expect("nonces are left");
                let Ok(Some(Event::Batch(batch))) = incoming.poll_event() else { panic!("whole messages") };
                batch.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, curve);
criterion_main!(benches);
