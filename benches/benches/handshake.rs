//! Handshakes of both ends, by mechanism.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use enfonet_benches::{curve, run_handshake, start_handshake};
use enfonet_zmtp::{PlainCredentials, Security};

fn mechanisms() -> [(&'static str, [Security; 2]); 3] {
    let login = PlainCredentials::new("user", "password").expect("short enough");
    [
        ("null", [Security::Null, Security::Null]),
        ("plain", [Security::PlainServer, Security::PlainClient(login)]),
        ("curve", curve()),
    ]
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    for (name, securities) in mechanisms() {
        group.bench_function(name, |b| {
            b.iter_batched(|| start_handshake(securities.clone()), run_handshake, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, handshake);
criterion_main!(benches);
