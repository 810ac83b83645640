//! Allocations of sockets on one thread, over tcp, at both ends.

use enfonet::auth::{Security, new_key_pair};
use enfonet::message::Batch;
use enfonet::{Dealer, Endpoint, Message, Options, Pub, Pull, Push, Rep, Req, Router, Sub};

use super::{ALLOCATOR, Figure, per_message};

/// Messages in flight: fewer than the marks.
const ROUND: usize = 500;
/// Messages of 16 KiB in flight: as many as the kernel takes.
const HUGE_ROUND: usize = 8;
const WARM_UP: usize = 20;
const ROUNDS: usize = 100;

/// Measures the allocations of each kind of traffic.
pub(super) fn figures() -> Vec<Figure> {
    let small = vec![b'x'; 32];
    let large = vec![b'x'; 1024];
    let huge = vec![b'x'; 16 << 10];
    vec![
        Figure { what: "PUSH to PULL, 32 bytes", recorded: 0.001, measured: stream(&small, ROUND, null()) },
        Figure { what: "PUSH to PULL, 1024 bytes", recorded: 0.03, measured: stream(&large, ROUND, null()) },
        Figure {
            what: "PUSH to PULL with CURVE, 32 bytes",
            recorded: 0.001,
            measured: stream(&small, ROUND, curve()),
        },
        Figure {
            what: "PUSH to PULL with CURVE, 1024 bytes",
            recorded: 0.08,
            measured: stream(&large, ROUND, curve()),
        },
        Figure {
            what: "PUSH to PULL, 16384 bytes",
            recorded: 0.125,
            measured: stream(&huge, HUGE_ROUND, null()),
        },
        Figure { what: "PUSH to four PULL, 1024 bytes", recorded: 0.001, measured: dealt(&large) },
        Figure { what: "four PUSH to PULL, 1024 bytes", recorded: 0.001, measured: merged(&large) },
        Figure { what: "PUSH to PULL by batches, 32 bytes", recorded: 0.023, measured: batches(&small) },
        Figure { what: "PUB to SUB, 32 bytes", recorded: 0.001, measured: published(&small) },
        Figure { what: "DEALER to ROUTER and back, 32 bytes", recorded: 0.001, measured: echoed(&small) },
        Figure { what: "REQ to REP and back, 32 bytes", recorded: 1.0, measured: requested(&small) },
    ]
}

fn on_one_thread<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn any() -> Endpoint {
    "tcp://127.0.0.1:*".parse().unwrap()
}

/// Runs rounds of `messages` messages, and counts allocations after the first rounds.
async fn count(messages: usize, mut round: impl AsyncFnMut()) -> f64 {
    for _ in 0..WARM_UP {
        round().await;
    }
    let before = ALLOCATOR.stats();
    for _ in 0..ROUNDS {
        round().await;
    }
    per_message(ALLOCATOR.stats() - before, messages * ROUNDS)
}

/// Returns the mechanisms of the binding end and of the connecting end.
fn null() -> [Security; 2] {
    [Security::Null, Security::Null]
}

fn curve() -> [Security; 2] {
    let keys = new_key_pair();
    let server = *keys.public();
    [Security::CurveServer { keys }, Security::CurveClient { keys: new_key_pair(), server }]
}

/// One PUSH and one PULL, with `in_flight` messages at a time.
fn stream(body: &[u8], in_flight: usize, [bound, connected]: [Security; 2]) -> f64 {
    on_one_thread(async {
        let push = Push::with_options(Options::default().security(connected));
        let pull = Pull::with_options(Options::default().security(bound));
        push.connect(pull.bind(any()).await.unwrap()).unwrap();
        count(in_flight, async || {
            for _ in 0..in_flight {
                push.send(body).await.unwrap();
            }
            for _ in 0..in_flight {
                assert_eq!(pull.recv().await.unwrap().first(), body);
            }
        })
        .await
    })
}

const PEERS: usize = 4;

/// Fan-out: one PUSH, which sends to each PULL in turn.
fn dealt(body: &[u8]) -> f64 {
    on_one_thread(async {
        let push = Push::new();
        let endpoint = push.bind(any()).await.unwrap();
        let pulls: [Pull; PEERS] = std::array::from_fn(|_| Pull::new());
        for pull in &pulls {
            pull.connect(endpoint.clone()).unwrap();
        }
        push.wait_connected(PEERS).await;
        count(ROUND, async || {
            for _ in 0..ROUND {
                push.send(body).await.unwrap();
            }
            for pull in &pulls {
                for _ in 0..ROUND / PEERS {
                    assert_eq!(pull.recv().await.unwrap().first(), body);
                }
            }
        })
        .await
    })
}

/// Fan-in: one PULL, which receives from each PUSH in turn.
fn merged(body: &[u8]) -> f64 {
    on_one_thread(async {
        let pull = Pull::new();
        let endpoint = pull.bind(any()).await.unwrap();
        let pushes: [Push; PEERS] = std::array::from_fn(|_| Push::new());
        for push in &pushes {
            push.connect(endpoint.clone()).unwrap();
        }
        count(ROUND, async || {
            for push in &pushes {
                for _ in 0..ROUND / PEERS {
                    push.send(body).await.unwrap();
                }
            }
            for _ in 0..ROUND {
                assert_eq!(pull.recv().await.unwrap().first(), body);
            }
        })
        .await
    })
}

fn batches(body: &[u8]) -> f64 {
    on_one_thread(async {
        let (push, pull) = (Push::new(), Pull::new());
        push.connect(pull.bind(any()).await.unwrap()).unwrap();
        count(ROUND, async || {
            let mut batch: Batch = std::iter::repeat_n(body, ROUND).collect();
            push.send_batch(&mut batch).await.unwrap();
            let mut left = ROUND;
            while left > 0 {
                left -= pull.recv_batch(usize::MAX).await.unwrap().1.len();
            }
        })
        .await
    })
}

fn published(body: &[u8]) -> f64 {
    on_one_thread(async {
        let (publisher, subscriber) = (Pub::new(), Sub::new());
        subscriber.subscribe("");
        subscriber.connect(publisher.bind(any()).await.unwrap()).unwrap();
        publisher.wait_subscribers(1).await;
        count(ROUND, async || {
            for _ in 0..ROUND {
                publisher.send(body).await.unwrap();
            }
            for _ in 0..ROUND {
                assert_eq!(subscriber.recv().await.unwrap().first(), body);
            }
        })
        .await
    })
}

fn echoed(body: &[u8]) -> f64 {
    on_one_thread(async {
        let (dealer, router) = (Dealer::new(), Router::new());
        dealer.connect(router.bind(any()).await.unwrap()).unwrap();
        count(2 * ROUND, async || {
            for _ in 0..ROUND {
                dealer.send([b"", body]).await.unwrap();
            }
            for _ in 0..ROUND {
                let (peer, message) = router.recv().await.unwrap();
                router.send_to(peer, message).await.unwrap();
            }
            for _ in 0..ROUND {
                assert_eq!(dealer.recv().await.unwrap().get(1), Some(body));
            }
        })
        .await
    })
}

fn requested(body: &[u8]) -> f64 {
    on_one_thread(async {
        let (client, server) = (Req::new(), Rep::new());
        client.connect(server.bind(any()).await.unwrap()).unwrap();
        let serve = async {
            loop {
                let request = server.recv().await.unwrap();
                let reply: Message = request.message().clone();
                request.reply(reply).unwrap();
            }
        };
        let ask = count(2 * ROUND, async || {
            for _ in 0..ROUND {
                assert_eq!(client.request(body).await.unwrap().first(), body);
            }
        });
        tokio::select! {
            () = serve => unreachable!("it serves for ever"),
            figure = ask => figure,
        }
    })
}
