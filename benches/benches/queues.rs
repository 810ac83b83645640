//! Queues: sending into a queue without a peer, and through two queues within the process.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enfonet::message::Batch;
use enfonet::{Context, Pull, Push, Rep, Req};
use tokio::runtime::Runtime;

const MESSAGES: usize = 500;

fn on_one_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Measures sending into the queue of a peer that isn't connected.
fn staging(c: &mut Criterion) {
    let runtime = on_one_thread();
    let mut group = c.benchmark_group("staging");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    for size in [32, 256, 1024] {
        let body = vec![b'x'; size];
        group.bench_function(BenchmarkId::new("PUSH", size), |b| {
            let _guard = runtime.enter();
            b.iter_batched(
                || {
                    let push = Push::builder().context(&Context::new()).build();
                    push.connect("inproc://nobody").expect("a valid endpoint");
                    push
                },
                |push| {
                    for _ in 0..MESSAGES {
                        push.try_send(&body[..]).expect("there is room");
                    }
                    push
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn pipeline(c: &mut Criterion) {
    let runtime = on_one_thread();
    let context = Context::new();
    let (push, pull) = (Push::builder().context(&context).build(), Pull::builder().context(&context).build());
    runtime.block_on(async {
        pull.bind("inproc://pipeline").await.expect("a free name");
        push.connect("inproc://pipeline").expect("a valid endpoint");
    });
    let body = [b'x'; 32];
    let mut group = c.benchmark_group("PUSH to PULL, inproc");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    group.bench_function("one by one", |b| {
        b.iter(|| {
            runtime.block_on(async {
                for _ in 0..MESSAGES {
                    push.send(&body[..]).await.expect("it is open");
                }
                for _ in 0..MESSAGES {
                    pull.recv().await.expect("it is open");
                }
            });
        });
    });
    group.bench_function("by batches", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut batch: Batch = std::iter::repeat_n(&body[..], MESSAGES).collect();
                push.send_batch(&mut batch).await.expect("it is open");
                let mut left = MESSAGES;
                while left > 0 {
                    left -= pull.recv_batch(usize::MAX).await.expect("it is open").1.len();
                }
            });
        });
    });
    group.finish();
    let _guard = runtime.enter();
    drop((push, pull));
}

fn requests(c: &mut Criterion) {
    let runtime = on_one_thread();
    let context = Context::new();
    let (req, rep) = (Req::builder().context(&context).build(), Rep::builder().context(&context).build());
    runtime.block_on(async {
        rep.bind("inproc://requests").await.expect("a free name");
        req.connect("inproc://requests").expect("a valid endpoint");
        let server = rep.clone();
        tokio::spawn(async move {
            while let Ok(request) = server.recv().await {
                let reply = request.message().clone();
                request.reply(reply).expect("the client is there");
            }
        });
    });
    c.bench_function("REQ to REP and back, inproc", |b| {
        b.iter(|| runtime.block_on(async { req.request(&b"0123456789abcdef"[..]).await.expect("a reply") }));
    });
    runtime.block_on(async { rep.close(std::time::Duration::ZERO).await });
    let _guard = runtime.enter();
    drop((req, rep));
}

criterion_group!(benches, staging, pipeline, requests);
criterion_main!(benches);
