//! Encryption and decryption of messages with CURVE.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enfonet_benches::{run_handshake, start_handshake};
use enfonet_zmtp::{Batch, Event, Incoming, Limits, Message, Sealer};

/// Returns the two ends of a CURVE connection: the first encrypts, the second decrypts.
fn ends() -> (Sealer, Incoming) {
    let [server, client] = run_handshake(start_handshake(enfonet_benches::curve()));
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
