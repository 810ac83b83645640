//! Peers that disconnect and reconnect at the same endpoint.

use std::time::Duration;

use enfonet::error::BindError;
use enfonet::message::Subscription;
use enfonet::socket::{PeerEvent, XPubEvent};
use enfonet::{Dealer, Options, Rep, Req, Sub, XPub};
use enfonet_tests::{LibZmq, Runtime, eventually, frames, ipc, unused};

/// Returns an endpoint that can be bound again and again, and guards that must live as long as it is used.
fn endpoint(transport: &str) -> (Box<dyn std::any::Any>, String) {
    if transport == "ipc" {
        let (folder, at) = ipc();
        return (Box::new(folder), at);
    }
    let (port, at) = unused();
    (Box::new(port), at)
}

fn quick() -> Options {
    Options::default().reconnect_interval(Duration::from_millis(5))
}

/// Returns a bound libzmq socket once its predecessor has freed the endpoint: libzmq closes in the background.
fn bound_again(libzmq: &LibZmq, kind: zmq::SocketType, at: &str) -> zmq::Socket {
    let socket = libzmq.socket(kind);
    let bound = eventually(|| {
        let bound = socket.bind(at);
        (bound != Err(zmq::Error::EADDRINUSE)).then_some(bound)
    });
    bound.unwrap();
    socket
}

/// Returns a bound XPUB of ours once its predecessor has freed the endpoint.
async fn xpub_bound_again(at: &str) -> XPub {
    let xpub = XPub::new();
    loop {
        match xpub.bind(at).await {
            Err(BindError::InUse(_)) => tokio::task::yield_now().await,
            bound => {
                bound.unwrap();
                return xpub;
            }
        }
    }
}

#[test]
fn a_reconnected_publisher_receives_the_current_subscriptions() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = endpoint(transport);
        let sub = Sub::with_options(quick());
        ["c", "a", "b", "a"].iter().for_each(|topic| sub.subscribe(topic));
        sub.connect(&at).unwrap();
        let mut topics = vec!["a", "b", "c"];
        for _ in 0..3 {
            let xpub = bound_again(&libzmq, zmq::XPUB, &at);
            for topic in &topics {
                assert_eq!(xpub.recv_bytes(0).unwrap(), [b"\x01", topic.as_bytes()].concat());
            }
            let topic = topics.pop().unwrap();
            xpub.send(topic, 0).unwrap();
            assert_eq!(runtime.run(sub.recv()).unwrap().first(), topic.as_bytes());
            sub.unsubscribe(topic);
            // The topic was subscribed to twice, so it is still wanted.
            if topic == "a" {
                xpub.send(topic, 0).unwrap();
                assert_eq!(runtime.run(sub.recv()).unwrap().first(), topic.as_bytes());
            } else {
                assert_eq!(xpub.recv_bytes(0).unwrap(), [b"\x00", topic.as_bytes()].concat());
            }
        }
    }
}

#[test]
fn libzmq_subscribers_reconnect_to_our_publisher() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = endpoint(transport);
        let subscribers = ["a", "b"].map(|topic| {
            let subscriber = libzmq.socket(zmq::SUB);
            subscriber.set_reconnect_ivl(5).unwrap();
            subscriber.set_subscribe(topic.as_bytes()).unwrap();
            subscriber.connect(&at).unwrap();
            subscriber
        });
        for round in 0..3u8 {
            let xpub = runtime.run(xpub_bound_again(&at));
            let receiving = runtime.spawn(async move {
                let events = [xpub.recv().await, xpub.recv().await];
                (events.map(|event| topic(event.unwrap())), xpub)
            });
            eventually(|| {
                // libzmq sends its subscriptions again when it is used.
                subscribers.iter().for_each(|subscriber| assert_eq!(subscriber.poll(zmq::POLLIN, 5), Ok(0)));
                receiving.is_finished().then_some(())
            });
            let (mut topics, xpub) = runtime.run(receiving).unwrap();
            topics.sort();
            assert_eq!(topics, ["a", "b"]);
            for (subscriber, topic) in subscribers.iter().zip(["a", "b"]) {
                runtime.run(xpub.send([topic.as_bytes().to_vec(), vec![round]])).unwrap();
                assert_eq!(subscriber.recv_multipart(0).unwrap(), [topic.as_bytes().to_vec(), vec![round]]);
            }
            runtime.run(xpub.close(Duration::from_secs(5)));
        }
    }
}

fn topic(event: XPubEvent) -> String {
    match event {
        XPubEvent::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
            String::from_utf8(topic.to_vec()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_for_a_disconnected_peer_wait_in_order() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = endpoint(transport);
        let dealer = Dealer::with_options(quick());
        dealer.connect(&at).unwrap();
        for _ in 0..3 {
            let peer = connected_again(&runtime, &libzmq, &dealer, &at);
            drop(peer);
            (0..200u8).for_each(|n| dealer.try_send([n]).unwrap());
            let peer = connected_again(&runtime, &libzmq, &dealer, &at);
            runtime.run(dealer.send("last")).unwrap();
            let received: Vec<_> = std::iter::repeat_with(|| peer.recv_bytes(0).unwrap())
                .take_while(|message| message != b"last")
                .collect();
            // The first message may have been lost with the previous connection.
            let lost = 200 - received.len();
            assert!(received.iter().zip(lost..).all(|(message, n)| message == &[n as u8]), "{received:?}");
        }
    }
}

/// Returns a bound libzmq DEALER that our socket is connected to.
fn connected_again(runtime: &Runtime, libzmq: &LibZmq, dealer: &Dealer, at: &str) -> zmq::Socket {
    let peer = bound_again(libzmq, zmq::DEALER, at);
    peer.send("hello", 0).unwrap();
    assert_eq!(runtime.run(dealer.recv()), Ok("hello".into()));
    peer
}

#[test]
fn a_client_continues_with_a_restarted_libzmq_server() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let req = Req::with_options(quick());
    req.connect(&at).unwrap();
    for round in 0..3u8 {
        let rep = bound_again(&libzmq, zmq::REP, &at);
        runtime.run(req.wait_connected(1));
        runtime.run(req.send(&[round])).unwrap();
        assert_eq!(rep.recv_bytes(0).unwrap(), [round]);
        rep.send(&[round][..], 0).unwrap();
        assert_eq!(runtime.run(req.recv()).unwrap().first(), [round]);
        // The next server is certainly lost with a request.
        runtime.run(req.send("lost")).unwrap();
        assert_eq!(rep.recv_bytes(0).unwrap(), b"lost");
        drop(rep);
        assert_eq!(runtime.run(req.recv()), Err(enfonet::error::RecvError::PeerGone));
    }
}

#[test]
fn a_libzmq_client_continues_with_our_restarted_server() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let dealer = libzmq.socket(zmq::DEALER);
    dealer.set_reconnect_ivl(5).unwrap();
    dealer.connect(&at).unwrap();
    for round in 0..3u8 {
        let rep = Rep::new();
        runtime.run(async {
            while let Err(error) = rep.bind(&*at).await {
                assert!(matches!(error, BindError::InUse(_)), "{error}");
                tokio::task::yield_now().await;
            }
            rep.wait_connected(1).await;
        });
        dealer.send_multipart(frames([&[][..], &[round]]), 0).unwrap();
        runtime.run(rep.recv()).unwrap().reply([round]).unwrap();
        assert_eq!(dealer.recv_multipart(0).unwrap(), frames([&[][..], &[round]]));
        runtime.run(rep.close(Duration::from_secs(5)));
    }
}

#[test]
fn connects_and_disconnects_are_reported_with_the_unsent_messages() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let dealer = Options::<Dealer>::from(quick()).peer_events(true).build();
    dealer.connect(&at).unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let peer = bound_again(&libzmq, zmq::ROUTER, &at);
        match runtime.run(dealer.recv_event(1)).unwrap() {
            PeerEvent::Joined { peer, info } => {
                assert_eq!(info.socket_type, Some(enfonet::peer::SocketType::Router));
                ids.push(peer);
            }
            other => panic!("{other:?}"),
        }
        drop(peer);
        assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Left { peer, unsent }
            if Some(&peer) == ids.last() && unsent.is_empty()));
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "the endpoint is one peer");
}
