//! Identities of a ROUTER's peers: announced, assigned and taken over.

use std::time::Duration;

use enfonet::error::{ConnectError, SendError};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Message, Options, Router};
use enfonet_tests::DEADLINE;

use crate::{anywhere, eventually, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    an_assigned_identity_is_reachable_at_once_and_stays,
    an_identity_in_use_cannot_be_assigned,
    a_new_peer_takes_over_an_identity_with_handover,
    an_assigned_identity_cannot_be_taken_over,
    messages_with_a_routing_id_reach_that_peer,
    messages_to_unknown_peers_are_dropped_or_returned,
    a_probe_makes_a_peer_known_before_its_first_message,
    messages_of_a_disconnected_peer_still_carry_its_identity,
    the_hello_is_the_first_message,
    a_hello_and_a_probe_both_arrive,
);

fn named(name: &'static str) -> Dealer {
    Dealer::builder().identity(name).reconnect_interval(Duration::from_millis(1)).build()
}

async fn an_assigned_identity_is_reachable_at_once_and_stays() {
    for at in anywhere() {
        let router = Router::builder().reconnect_interval(Duration::from_millis(1)).build();
        let dealer = named("calls itself so");
        let at = dealer.bind(at).await.unwrap();
        let peer = router.connect_as("conn1", &at).unwrap();
        assert_eq!((router.find(b"conn1"), router.identity(peer)), (Some(peer), Some("conn1".into())));
        // The connection hasn't begun yet.
        router.try_send_to(peer, "at once").unwrap();
        assert_eq!(dealer.recv().await, Ok("at once".into()));
        dealer.send("from me").await.unwrap();
        assert_eq!(router.recv_routed().await, Ok(["conn1", "from me"].into()));
        // The peer disconnects, and another takes its place.
        dealer.close(DEADLINE).await;
        router.send_routed(["conn1", "to the next"]).await.unwrap();
        let next = named("another");
        next.bind(&at).await.unwrap();
        assert_eq!(next.recv().await, Ok("to the next".into()), "over {at}");
        router.disconnect(&at).unwrap();
        eventually(|| router.find(b"conn1").is_none().then_some(())).await;
    }
}

async fn an_identity_in_use_cannot_be_assigned() {
    let router = Router::new();
    let at = router.bind(inproc()).await.unwrap();
    let dealer = named("taken");
    dealer.connect(at).unwrap();
    router.wait_connected(1).await;
    for name in ["taken", "given"] {
        let first = router.connect_as(name, inproc());
        assert_eq!(first.is_ok(), name == "given");
        assert!(matches!(router.connect_as(name, inproc()), Err(ConnectError::RoutingIdInUse)));
    }
}

async fn a_new_peer_takes_over_an_identity_with_handover() {
    for at in anywhere() {
        for may in [true, false] {
            let router = Router::builder().handover(may).build();
            let at = router.bind(if at.starts_with("inproc") { inproc() } else { at.clone() }).await.unwrap();
            let (first, second) =
                (Dealer::builder().identity("X").reconnect_interval(DEADLINE).build(), named("X"));
            first.connect(&at).unwrap();
            first.send("first").await.unwrap();
            let (first_id, _) = router.recv().await.unwrap();
            second.connect(&at).unwrap();
            second.send("second").await.unwrap();
            if may {
                let (second_id, message) = router.recv().await.unwrap();
                assert_eq!((message, router.find(b"X")), ("second".into(), Some(second_id)));
                assert!(second_id != first_id);
                assert!(matches!(router.send_to(first_id, "gone").await, Err(SendError::UnknownPeer(_))));
                router.send_routed(["X", "yours"]).await.unwrap();
                assert_eq!(second.recv().await, Ok("yours".into()));
            } else {
                yield_to_others().await;
                assert!(router.try_recv().is_err());
                router.send_routed(["X", "yours"]).await.unwrap();
                assert_eq!(first.recv().await, Ok("yours".into()));
            }
        }
    }
}

async fn an_assigned_identity_cannot_be_taken_over() {
    for at in anywhere() {
        let router = Router::builder().handover(true).build();
        let (given, new_peer) = (named("calls itself so"), named("given"));
        let bound_at =
            router.bind(if at.starts_with("inproc") { inproc() } else { at.clone() }).await.unwrap();
        router.connect_as("given", given.bind(at).await.unwrap()).unwrap();
        router.wait_connected(1).await;
        let mut monitor = router.monitor();
        new_peer.connect(&bound_at).unwrap();
        while !matches!(monitor.recv().await.unwrap(), MonitorEvent::HandshakeFailed { .. }) {}
        router.send_routed(["given", "yours"]).await.unwrap();
        assert_eq!(given.recv().await, Ok("yours".into()), "over {bound_at}");
    }
}

async fn messages_with_a_routing_id_reach_that_peer() {
    let router = Router::new();
    let at = router.bind(inproc()).await.unwrap();
    let dealers = ["a", "b"].map(named);
    for dealer in &dealers {
        dealer.connect(&at).unwrap();
        dealer.send(["", "ping"]).await.unwrap();
    }
    for _ in &dealers {
        let message = router.recv_routed().await.unwrap();
        assert_eq!(message.len(), 3);
        let (name, rest) = message.split_first();
        assert_eq!(rest, Some(["", "ping"].into()));
        router.send_routed(Message::from(["pong"]).with_first(name)).await.unwrap();
    }
    for dealer in &dealers {
        assert_eq!(dealer.recv().await, Ok("pong".into()));
    }
}

async fn messages_to_unknown_peers_are_dropped_or_returned() {
    let (lenient, strict) = (Router::new(), Router::builder().mandatory(true).build());
    let to_nobody = || Message::from(["nobody", "text"]);
    assert_eq!(lenient.send_routed(to_nobody()).await, Ok(()));
    assert_eq!(strict.send_routed(to_nobody()).await, Err(SendError::UnknownPeer(to_nobody())));
    assert_eq!(lenient.send_routed("alone").await, Err(SendError::NoRecipient("alone".into())));
    // The next message is sent whole.
    let dealer = named("somebody");
    dealer.connect(strict.bind(inproc()).await.unwrap()).unwrap();
    strict.wait_connected(1).await;
    strict.send_routed(["somebody", "text"]).await.unwrap();
    assert_eq!(dealer.recv().await, Ok("text".into()));
}

async fn a_probe_makes_a_peer_known_before_its_first_message() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let dealer = Dealer::builder().identity("X").probe(true).build();
        dealer.connect(&at).unwrap();
        assert_eq!(router.recv_routed().await, Ok(["X", ""].into()));
        let other = Router::builder().identity("Y").probe(true).build();
        other.connect(&at).unwrap();
        assert_eq!(router.recv_routed().await, Ok(["Y", ""].into()));
        router.send_routed(["X", "hello"]).await.unwrap();
        assert_eq!(dealer.recv().await, Ok("hello".into()));
    }
}

async fn messages_of_a_disconnected_peer_still_carry_its_identity() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let dealer = named("late");
        dealer.connect(&at).unwrap();
        dealer.send("1").await.unwrap();
        dealer.send("2").await.unwrap();
        dealer.close(DEADLINE).await;
        eventually(|| router.find(b"late").is_none().then_some(())).await;
        let (peer, message) = router.recv_from().await.unwrap();
        assert_eq!((&peer.routing_id[..], message), (&b"late"[..], "1".into()));
        assert_eq!(peer.property("identity"), Some(&b"late"[..]));
        assert_eq!(peer.property("Socket-Type"), Some(&b"DEALER"[..]));
        assert_eq!(peer.address.is_empty(), at.to_string().starts_with("inproc"));
        assert_eq!(router.recv_routed().await, Ok(["late", "2"].into()));
        assert!(router.peer(peer.id).is_none(), "all of it is received");
    }
}

async fn the_hello_is_the_first_message() {
    let router = Router::builder().hello("H").build();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap();
    let dealer = Dealer::with_options(Options::default());
    dealer.connect(at).unwrap();
    assert_eq!(dealer.recv().await, Ok("H".into()));
    let (one, other, at) =
        (Dealer::builder().hello("1").build(), Dealer::builder().hello("2").build(), inproc());
    one.connect(&at).unwrap();
    one.send("later").await.unwrap();
    other.bind(at).await.unwrap();
    assert_eq!(other.recv().await, Ok("1".into()));
    assert_eq!(other.recv().await, Ok("later".into()));
    assert_eq!(one.recv().await, Ok("2".into()));
}

async fn a_hello_and_a_probe_both_arrive() {
    let router = Router::new();
    let at = router.bind(inproc()).await.unwrap();
    for (probes, expected) in [(true, vec!["", "hello", "text"]), (false, vec!["hello", "text"])] {
        for probe_first in [true, false] {
            let options = Dealer::builder();
            let options = if probe_first {
                options.probe(probes).hello("hello")
            } else {
                options.hello("hello").probe(probes)
            };
            let dealer = options.build();
            dealer.connect(&at).unwrap();
            dealer.send("text").await.unwrap();
            for text in &expected {
                assert_eq!(router.recv().await.unwrap().1, *text);
            }
        }
    }
}
