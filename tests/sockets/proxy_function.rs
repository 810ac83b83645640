//! The `proxy` function: forwarding, control, statistics and captures.

use enfonet::proxy::{Proxy, proxy};
use enfonet::{Dealer, Message, Options, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use enfonet_tests::DEADLINE;

use crate::{eventually, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    replies_of_five_workers_reach_the_right_one_of_three_clients,
    a_proxy_forwards_publications_and_subscriptions,
    a_proxy_receives_nothing_while_no_peer_can_take_it,
    a_paused_proxy_forwards_nothing_until_it_resumes,
    a_terminated_proxy_ends_and_leaves_its_sockets_open,
    a_terminated_proxy_returns_its_leftover_messages,
    statistics_count_each_way_at_each_socket,
    a_capture_gets_every_message_first_and_may_block_the_proxy,
    a_flood_in_one_direction_does_not_block_the_other,
    a_proxy_ends_when_a_socket_is_closed,
    with_nodrop_a_slow_subscriber_behind_a_proxy_blocks_the_publisher,
);

async fn replies_of_five_workers_reach_the_right_one_of_three_clients() {
    let (front, back) = (Router::new(), Dealer::new());
    let (front_at, back_at) =
        (front.bind("tcp://127.0.0.1:*").await.unwrap(), back.bind(inproc()).await.unwrap());
    tokio::spawn(async move { proxy(&front, &back).await });
    for _ in 0..5 {
        let worker = Rep::new();
        worker.connect(&back_at).unwrap();
        tokio::spawn(async move {
            while let Ok(request) = worker.recv().await {
                let message = request.message().clone();
                request.reply(message.with_first("re")).unwrap();
            }
        });
    }
    let clients: Vec<_> = (0..3)
        .map(|n: i32| {
            let client = Req::new();
            client.connect(&front_at).unwrap();
            tokio::spawn(async move {
                for k in 0..100 {
                    let reply = client.request([n.to_string(), k.to_string()]).await.unwrap();
                    assert_eq!(reply, ["re".to_string(), n.to_string(), k.to_string()]);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn a_proxy_forwards_publications_and_subscriptions() {
    let (front, back) = (XSub::new(), XPub::new());
    let (front_at, back_at) = (front.bind(inproc()).await.unwrap(), back.bind(inproc()).await.unwrap());
    tokio::spawn(async move { proxy(&front, &back).await });
    let (publisher, subscriber) = (Pub::new(), Sub::new());
    publisher.connect(front_at).unwrap();
    subscriber.subscribe("a");
    subscriber.connect(back_at).unwrap();
    publisher.wait_subscribers(1).await;
    for text in ["b", "ab"] {
        publisher.send([text, "text"]).await.unwrap();
    }
    assert_eq!(subscriber.recv().await, Ok(["ab", "text"].into()));
}

/// Returns a streamer between a PUSH and a PULL.
async fn streamer(options: Options) -> (Push, Pull, Push, Pull) {
    let (source, front) = (Push::with_options(options.clone()), Pull::with_options(options.clone()));
    let (back, sink) = (Push::with_options(options.clone()), Pull::with_options(options));
    source.connect(front.bind(inproc()).await.unwrap()).unwrap();
    sink.connect(back.bind(inproc()).await.unwrap()).unwrap();
    source.wait_connected(1).await;
    back.wait_connected(1).await;
    (source, front, back, sink)
}

async fn a_proxy_receives_nothing_while_no_peer_can_take_it() {
    let (source, front, _, _) = streamer(Options::default()).await;
    let back = Push::new();
    let running = tokio::spawn({
        let front = front.clone();
        async move { Proxy::new(&front, &back).run().await }
    });
    source.send("waits").await.unwrap();
    yield_to_others().await;
    assert_eq!(front.recv().await, Ok("waits".into()), "it is still there");
    running.abort();
}

async fn a_paused_proxy_forwards_nothing_until_it_resumes() {
    let (source, front, back, sink) = streamer(Options::default()).await;
    let proxy = Proxy::new(&front, &back);
    let control = proxy.control();
    let using = async {
        source.send("1").await.unwrap();
        assert_eq!(sink.recv().await, Ok("1".into()));
        control.pause();
        yield_to_others().await;
        let before = control.statistics();
        source.send("2").await.unwrap();
        yield_to_others().await;
        assert!(sink.try_recv().is_err());
        assert_eq!(control.statistics(), before);
        control.resume();
        assert_eq!(sink.recv().await, Ok("2".into()));
        control.terminate();
        control.resume();
    };
    tokio::join!(proxy.run(), using);
}

async fn a_terminated_proxy_ends_and_leaves_its_sockets_open() {
    let (source, front, back, sink) = streamer(Options::default()).await;
    for _ in 0..3 {
        let proxy = Proxy::new(&front, &back);
        let control = proxy.control();
        let using = async {
            source.send("x").await.unwrap();
            assert_eq!(sink.recv().await, Ok("x".into()));
            control.clone().terminate();
        };
        let (leftover, ()) = tokio::join!(proxy.run(), using);
        assert!(leftover.to_back.is_empty() && leftover.to_front.is_empty());
    }
}

async fn a_terminated_proxy_returns_its_leftover_messages() {
    let (source, front, back, sink) = streamer(Options::default().send_hwm(1).recv_hwm(10)).await;
    for n in 0..11 {
        source.send(n.to_string()).await.unwrap();
    }
    back.set_send_hwm(1);
    sink.set_recv_hwm(1);
    let proxy = Proxy::new(&front, &back);
    let control = proxy.control();
    let using = async {
        let received = || usize::try_from(control.statistics().front.received.messages).unwrap();
        eventually(|| (received() > 0).then_some(())).await;
        yield_to_others().await;
        control.terminate();
    };
    let (leftover, ()) = tokio::join!(proxy.run(), using);
    // The leftover holds the messages that neither socket has: none is lost or doubled.
    let mut all = Vec::new();
    for _ in 0..control.statistics().back.sent.messages {
        all.push(sink.recv().await.unwrap());
    }
    all.extend(leftover.to_back);
    while all.len() < 11 {
        all.push(front.recv().await.unwrap());
    }
    assert_eq!(all, (0..11).map(|n| Message::from(n.to_string())).collect::<Vec<_>>());
}

async fn statistics_count_each_way_at_each_socket() {
    let (front, back) = (Pair::new(), Pair::new());
    let (client, worker) = (Pair::new(), Pair::new());
    client.connect(front.bind(inproc()).await.unwrap()).unwrap();
    worker.connect(back.bind(inproc()).await.unwrap()).unwrap();
    let proxy = Proxy::new(&front, &back);
    let control = proxy.control();
    assert_eq!(control.statistics(), Default::default());
    let using = async {
        for n in 0..10 {
            client.send(["123", "45"]).await.unwrap();
            worker.recv().await.unwrap();
            if n < 4 {
                worker.send("1").await.unwrap();
                client.recv().await.unwrap();
            }
        }
        let statistics = control.statistics();
        for (amount, messages, bytes) in [
            (statistics.front.received, 10, 90),
            (statistics.back.sent, 10, 90),
            (statistics.back.received, 4, 12),
            (statistics.front.sent, 4, 12),
        ] {
            assert_eq!((amount.messages, amount.bytes), (messages, bytes));
        }
        control.terminate();
    };
    tokio::join!(proxy.run(), using);
}

async fn a_capture_gets_every_message_first_and_may_block_the_proxy() {
    let (source, front, back, sink) = streamer(Options::default()).await;
    let (capture, watcher, at) = (Push::new(), Pull::new(), inproc());
    let proxy = Proxy::new(&front, &back).capture(&capture);
    let control = proxy.control();
    let using = async {
        source.send(["a", "b"]).await.unwrap();
        yield_to_others().await;
        assert!(sink.try_recv().is_err(), "nobody takes the copy");
        capture.bind(&at).await.unwrap();
        watcher.connect(&at).unwrap();
        assert_eq!(watcher.recv().await, Ok(["a", "b"].into()));
        assert_eq!(sink.recv().await, Ok(["a", "b"].into()));
        control.terminate();
    };
    tokio::join!(proxy.run(), using);
    // A PUB without subscribers blocks nothing.
    let nobody = Pub::new();
    let proxy = Proxy::new(&front, &back).capture(&nobody);
    let control = proxy.control();
    let using = async {
        source.send("c").await.unwrap();
        assert_eq!(sink.recv().await, Ok("c".into()));
        control.terminate();
    };
    tokio::join!(proxy.run(), using);
}

async fn a_flood_in_one_direction_does_not_block_the_other() {
    let (front, back) = (Pair::new(), Pair::new());
    let (client, worker) = (Pair::new(), Pair::new());
    client.connect(front.bind(inproc()).await.unwrap()).unwrap();
    worker.connect(back.bind(inproc()).await.unwrap()).unwrap();
    for flooding_client in [true, false] {
        let (from, to) = if flooding_client { (&client, &worker) } else { (&worker, &client) };
        let proxy = Proxy::new(&front, &back);
        let flood = async {
            loop {
                from.send("flood").await.unwrap();
            }
        };
        let work_off = async {
            loop {
                assert_eq!(to.recv().await, Ok("flood".into()));
            }
        };
        let talk = async {
            for n in 0..100 {
                to.send(n.to_string()).await.unwrap();
                assert_eq!(from.recv().await, Ok(n.to_string().into()));
            }
        };
        tokio::select! {
            _ = proxy.run() => unreachable!("nobody ends it"),
            () = flood => unreachable!(),
            () = work_off => unreachable!(),
            () = talk => {}
        }
        // Receive the messages in flight.
        let rest = Proxy::new(&front, &back);
        let rest_control = rest.control();
        let drain = async {
            while to.recv().await != Ok("last".into()) {}
            rest_control.terminate();
        };
        let (_, sent, ()) = tokio::join!(rest.run(), from.send("last"), drain);
        sent.unwrap();
    }
}

async fn a_proxy_ends_when_a_socket_is_closed() {
    for closes_front in [true, false] {
        let (_source, front, back, _sink) = streamer(Options::default()).await;
        let running = tokio::spawn({
            let (front, back) = (front.clone(), back.clone());
            async move { proxy(&front, &back).await }
        });
        yield_to_others().await;
        if closes_front {
            front.close(DEADLINE).await;
        } else {
            back.close(DEADLINE).await;
        }
        running.await.unwrap();
    }
}

async fn with_nodrop_a_slow_subscriber_behind_a_proxy_blocks_the_publisher() {
    let ten = Options::default().send_hwm(10).recv_hwm(10);
    let lossless = || Options::<XPub>::from(ten.clone()).nodrop(true).build();
    let (publisher, front) = (lossless(), XSub::with_options(ten.clone()));
    let (back, subscriber) = (lossless(), Sub::with_options(ten.clone()));
    let (front_at, back_at) = (front.bind(inproc()).await.unwrap(), back.bind(inproc()).await.unwrap());
    tokio::spawn(async move { proxy(&front, &back).await });
    subscriber.subscribe("");
    subscriber.connect(back_at).unwrap();
    publisher.connect(front_at).unwrap();
    publisher.wait_subscribers(1).await;
    let body = |n: usize| Message::from(vec![u8::try_from(n).unwrap(); 50_000]);
    let (mut sent, mut full) = (0, 0);
    while full < 1000 {
        match publisher.try_send(body(sent)) {
            Ok(()) => (sent, full) = (sent + 1, 0),
            Err(_) => full += 1,
        }
        tokio::task::yield_now().await;
    }
    assert!((20..=60).contains(&sent), "{sent}");
    for n in 0..sent {
        assert_eq!(subscriber.recv().await, Ok(body(n)));
    }
}
