//! Publishing to subscribers within the process: the index of subscriptions, the queues, and the connections.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enfonet::{Context, Message, Options, Pub, Sub};

const MESSAGES: usize = 1000;

fn inproc(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut group = c.benchmark_group("inproc");
    group.sample_size(20);
    for idle in [0, 1000] {
        let context = Context::new();
        let options = || Options::default().context(&context).send_hwm(0).recv_hwm(0);
        let (publisher, hot) = (Pub::with_options(options()), Sub::with_options(options()));
        let others: Vec<_> = runtime.block_on(async {
            publisher.bind("inproc://bench").await.expect("a free name");
            let others: Vec<_> = (0..idle)
                .map(|n| {
                    let other = Sub::with_options(options());
                    other.subscribe(format!("topic-{n}."));
                    other.connect("inproc://bench").expect("a valid endpoint");
                    other
                })
                .collect();
            hot.subscribe("hot.");
            hot.connect("inproc://bench").expect("a valid endpoint");
            publisher.wait_subscribers(idle + 1).await;
            others
        });
        let message = Message::from("hot.0123456789abcdef0123456789ab");
        group.throughput(Throughput::Elements(MESSAGES as u64));
        group.bench_function(BenchmarkId::new("one subscriber among", idle + 1), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    for _ in 0..MESSAGES {
                        publisher.send(message.clone()).await.expect("it is open");
                    }
                    for _ in 0..MESSAGES {
                        hot.recv().await.expect("it is open");
                    }
                });
            });
        });
        let _guard = runtime.enter();
        drop((publisher, hot, others));
    }
    group.finish();
}

criterion_group!(benches, inproc);
criterion_main!(benches);
