//! Decoding of a read into messages, and encoding of messages.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enfonet_zmtp::{Decoder, Event, Limits, Message};

/// Size of a full read buffer.
const READ_BYTES: usize = 128 << 10;

fn read_of(size: usize) -> (BytesMut, u64) {
    let (message, mut wire, mut count) = (Message::from(vec![b'x'; size]), BytesMut::new(), 0);
    while wire.len() + message.wire_len() <= READ_BYTES {
        message.encode(&mut wire);
        count += 1;
    }
    (wire, count)
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for size in [16, 32, 256, 1024] {
        let (wire, count) = read_of(size);
        group.throughput(Throughput::Elements(count));
        group.bench_with_input(BenchmarkId::new("run", size), &wire, |b, wire| {
            let mut decoder = Decoder::new(Limits::default());
            b.iter(|| {
                decoder.reserve(wire.len()).extend_from_slice(wire);
                let Ok(Some(Event::Batch(batch))) = decoder.poll_event() else { panic!("whole messages") };
                batch.len()
            });
        });
        group.bench_with_input(BenchmarkId::new("messages", size), &wire, |b, wire| {
            let mut decoder = Decoder::new(Limits::default());
            b.iter(|| {
                decoder.reserve(wire.len()).extend_from_slice(wire);
                let Ok(Some(Event::Batch(batch))) = decoder.poll_event() else { panic!("whole messages") };
                batch.into_iter().map(|message| message.first().len()).sum::<usize>()
            });
        });
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for size in [32, 1024] {
        let message = Message::from(vec![b'x'; size]);
        let mut out = BytesMut::with_capacity(1 << 20);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| {
                if out.len() > 1 << 19 {
                    out.clear();
                }
                message.encode(&mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
