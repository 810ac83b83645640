//! Statistics of each peer: every message is counted once.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use enfonet::error::{ReplyError, SendError};
use enfonet::peer::{PeerStatus, Size};
use enfonet::{Context, Dealer, Message, Options, Pub, Pull, Push, Rep, Router, Sub, XPub, XSub};
use futures_util::FutureExt;
use tokio::task::yield_now;
use tokio::time::timeout;

mod support;

use support::yield_to_others;

const ENDPOINTS: [&str; 2] = ["tcp://127.0.0.1:*", "inproc://name"];

fn options() -> Options {
    Options::default().context(&Context::new())
}

/// Yields to other tasks until the condition holds.
async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), waiting).await.expect("within the deadline");
}

fn messages(amounts: &[Size]) -> Vec<u64> {
    amounts.iter().map(|amount| amount.messages).collect()
}

/// Returns the message counts of a peer: sent, unsent, received, unreceived, dropped.
fn numbers(status: &PeerStatus) -> Vec<u64> {
    let PeerStatus { sent, unsent, received, unreceived, dropped, .. } = status;
    [messages(&[*sent, *unsent, *received, *unreceived]), vec![*dropped]].concat()
}

#[tokio::test]
async fn messages_and_bytes_are_counted_exactly_over_tcp_and_inproc() {
    for endpoint in ENDPOINTS {
        let options = options();
        let (router, dealer) = (Router::with_options(options.clone()), Dealer::with_options(options));
        dealer.connect(router.bind(endpoint).await.unwrap()).unwrap();
        router.wait_connected(1).await;
        dealer.wait_connected(1).await;
        let sizes = [0usize, 1, 255, 256, 5000, 100_000];
        let bytes: usize = sizes.iter().map(|n| n + if *n > 255 { 9 } else { 2 }).sum();
        for n in sizes {
            dealer.send(Message::from(vec![0; n])).await.unwrap();
        }
        until(|| router.peers()[0].received.messages == 6).await;
        assert_eq!(numbers(&router.peers()[0]), [0, 0, 6, 6, 0]);
        until(|| dealer.peers()[0].sent.messages == 6).await;
        assert_eq!(numbers(&dealer.peers()[0]), [6, 0, 0, 0, 0]);
        let [sent, received] = [dealer.peers()[0].sent, router.peers()[0].received];
        assert_eq!([sent.bytes, received.bytes, router.peers()[0].unreceived.bytes], [bytes as u64; 3]);
        for n in (0..6).rev() {
            let (peer, message) = router.recv().await.unwrap();
            assert_eq!(router.peers()[0].unreceived.messages, n);
            router.send_to(peer, message).await.unwrap();
        }
        until(|| dealer.peers()[0].received.messages == 6).await;
        assert_eq!(numbers(&dealer.peers()[0]), [6, 0, 6, 6, 0], "{endpoint}");
        until(|| router.peers()[0].sent.messages == 6).await;
        assert_eq!(numbers(&router.peers()[0]), [6, 0, 6, 0, 0]);
        assert_eq!(dealer.peers()[0].received.bytes, router.peers()[0].sent.bytes);
    }
}

#[tokio::test]
async fn a_drained_worker_among_four_saturated_workers_has_nothing_queued() {
    let options = options().send_hwm(300).recv_hwm(200);
    let push = Push::with_options(options.clone());
    let at = push.bind("inproc://name").await.unwrap();
    let pulls: Vec<_> = (0..4).map(|_| Pull::with_options(options.clone())).collect();
    pulls.iter().for_each(|pull| pull.connect(&at).unwrap());
    push.wait_connected(4).await;
    let mut sent = 0;
    loop {
        match push.try_send("work") {
            Ok(()) => sent += 1,
            Err(SendError::Full(_)) => {
                yield_to_others().await;
                if push.try_send("work").is_err() {
                    break;
                }
                sent += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let all: u64 = push.peers().iter().map(|peer| peer.sent.messages + peer.unsent.messages).sum();
    assert_eq!((all, sent), (4 * 500, 4 * 500));
    for pull in &pulls {
        let waiting = pull.peers()[0].unreceived.messages;
        assert!(waiting >= 200, "{waiting}");
    }
    let mut worked_off = 0;
    while worked_off < 500 {
        pulls[2].recv().await.unwrap();
        worked_off += 1;
    }
    yield_to_others().await;
    assert_eq!(numbers(&pulls[2].peers()[0]), [0, 0, 500, 0, 0]);
    let mut unsent: Vec<_> = push.peers().iter().map(|peer| peer.unsent.messages).collect();
    unsent.sort_unstable();
    assert_eq!(unsent[0], 0);
    for ((peer, pull), name) in push.peers().iter().zip(&pulls).zip(0..) {
        assert_eq!(peer.sent.messages + peer.unsent.messages, 500, "{name}");
        assert_eq!(pull.peers().len(), 1);
    }
    let stuck: u64 = pulls.iter().map(|pull| pull.peers()[0].unreceived.messages).sum();
    assert_eq!(stuck + unsent.iter().sum::<u64>(), 3 * 500);
}

#[tokio::test]
async fn messages_beyond_a_subscribers_queue_are_counted_as_dropped() {
    for endpoint in ENDPOINTS {
        let options = options().send_hwm(10).recv_hwm(10);
        let (publisher, slow) = (Pub::with_options(options.clone()), Sub::with_options(options));
        slow.subscribe("");
        slow.connect(publisher.bind(endpoint).await.unwrap()).unwrap();
        publisher.wait_subscribers(1).await;
        let body = Message::from(vec![0; 100_000]);
        let (mut published, mut lost) = (0, 0);
        while lost < 50 {
            if published % 2 == 0 {
                publisher.send(body.clone()).await.unwrap();
            } else {
                publisher.try_send(body.clone()).unwrap();
            }
            published += 1;
            lost = publisher.peers()[0].dropped;
            let [sent, unsent] = [publisher.peers()[0].sent, publisher.peers()[0].unsent];
            assert_eq!(sent.messages + unsent.messages + lost, published);
        }
        // All other messages arrive.
        for _ in lost..published {
            slow.recv().await.unwrap();
        }
        yield_to_others().await;
        assert!(slow.try_recv().is_err());
        assert_eq!(numbers(&slow.peers()[0]), [0, 0, published - lost, 0, 0]);
        assert_eq!(numbers(&publisher.peers()[0]), [published - lost, 0, 0, 0, lost]);
    }
}

#[tokio::test]
async fn a_message_without_room_is_dropped_even_while_the_connection_writes() {
    for endpoint in ENDPOINTS {
        let options = options().send_hwm(10).recv_hwm(1);
        let (publisher, sub) = (Pub::with_options(options.clone()), Sub::with_options(options));
        sub.subscribe("");
        sub.connect(publisher.bind(endpoint).await.unwrap()).unwrap();
        publisher.wait_subscribers(1).await;
        yield_to_others().await;
        // The connection's task doesn't run meanwhile.
        (0..30).for_each(|_| publisher.try_send("burst").unwrap());
        let given_up = (0..10).filter(|_| publisher.send("given up").now_or_never().is_none()).count();
        assert_eq!(given_up, 10);
        let of = &publisher.peers()[0];
        assert_eq!((of.sent.messages, of.unsent.messages + of.dropped), (0, 40), "{endpoint}");
        assert!((10..=11).contains(&of.unsent.messages));
    }
}

#[tokio::test]
async fn messages_beyond_the_queues_of_publishers_dealers_and_clients_are_counted_as_dropped() {
    let options = options().send_hwm(5).recv_hwm(5);
    let (xpub, xsub) = (XPub::with_options(options.clone()), XSub::with_options(options.clone()));
    xsub.connect(xpub.bind("inproc://xpub").await.unwrap()).unwrap();
    xsub.wait_connected(1).await;
    (0..100).for_each(|_| xsub.send("\u{7f}").unwrap());
    yield_to_others().await;
    let of = &xsub.peers()[0];
    assert_eq!((of.sent.messages + of.unsent.messages, of.dropped), (10, 90));

    let router = Router::with_options(options.clone());
    let named = Dealer::with_options(options.clone().identity("named"));
    named.connect(router.bind("inproc://router").await.unwrap()).unwrap();
    router.wait_connected(1).await;
    for _ in 0..100 {
        router.send_routed(["named", "?"]).await.unwrap();
    }
    let of = &router.peers()[0];
    assert_eq!((of.sent.messages + of.unsent.messages, of.dropped), (10, 90));

    let (rep, client) = (Rep::with_options(options.clone()), Dealer::with_options(options));
    client.connect(rep.bind("inproc://rep").await.unwrap()).unwrap();
    let (mut replied, mut full) = (0, 0);
    while full < 7 {
        client.send(["", "question"]).await.unwrap();
        match rep.recv().await.unwrap().reply("answer") {
            Ok(()) => replied += 1,
            Err(error) => {
                assert_eq!(error, ReplyError::Full);
                full += 1;
            }
        }
    }
    let of = &rep.peers()[0];
    assert_eq!((of.sent.messages + of.unsent.messages, of.dropped), (replied, full));
}

#[tokio::test]
async fn counters_continue_for_a_reconnected_peer_and_restart_for_a_new_peer() {
    for endpoint in ENDPOINTS {
        let options = options().reconnect_interval(Duration::ZERO);
        let server = Dealer::with_options(options.clone());
        let at = server.bind(endpoint).await.unwrap();
        let client = Dealer::with_options(options.clone());
        client.connect(&at).unwrap();
        client.send("first").await.unwrap();
        server.recv().await.unwrap();
        server.close(Duration::ZERO).await;
        until(|| client.peers().is_empty()).await;
        let server = Dealer::with_options(options);
        server.bind(&at).await.unwrap();
        client.send("second").await.unwrap();
        server.recv().await.unwrap();
        until(|| client.peers()[0].sent.messages == 2).await;
        assert_eq!(numbers(&client.peers()[0]), [2, 0, 0, 0, 0]);
        assert_eq!(numbers(&server.peers()[0]), [0, 0, 1, 0, 0]);
        let id = server.peers()[0].info.id;
        client.close(Duration::ZERO).await;
        until(|| server.peers().is_empty()).await;
        assert_eq!(server.peer(id), None);
    }
}
