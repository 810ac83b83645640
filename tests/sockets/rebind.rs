//! Endpoints that are released and taken again at once.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use enfonet::endpoint::IpcPath;
use enfonet::monitor::MonitorEvent;
use enfonet::{Context, Dealer, Endpoint, Options, Pair, Pull, Push, Router};
use enfonet_tests::{DEADLINE, ipc};

use crate::{inproc, on_every_runtime};

on_every_runtime!(
    an_endpoint_is_free_when_unbind_returns,
    an_endpoint_is_free_when_close_begins_and_when_it_returns,
    an_endpoint_is_free_when_its_socket_is_dropped_or_its_context_shut_down,
    no_peer_is_admitted_once_unbind_has_returned,
    a_pair_that_disconnects_and_connects_at_once_is_served_again,
    a_dealer_with_an_identity_that_disconnects_and_connects_at_once_is_served_again,
    successful_connections_do_not_grow_the_reconnect_interval,
);

/// Runs `fact` over each transport, at an unbound endpoint.
async fn over_each_transport(fact: impl AsyncFn(&str)) {
    fact("tcp://127.0.0.1:*").await;
    let (_folder, at) = ipc();
    fact(&at).await;
    fact(&inproc()).await;
}

/// Returns a bound socket and its peer, with a message that the peer hasn't received yet.
async fn bound(at: &str, options: Options) -> (Push, Pull, Endpoint) {
    let (push, pull) = (Push::with_options(options), Pull::new());
    let at = push.bind(at).await.unwrap();
    pull.connect(&at).unwrap();
    push.wait_connected(1).await;
    push.try_send("waits").unwrap();
    (push, pull, at)
}

async fn an_endpoint_is_free_when_unbind_returns() {
    over_each_transport(async |at| {
        let (push, pull, at) = bound(at, Options::default()).await;
        for _ in 0..20 {
            push.unbind(&at).unwrap();
            assert_eq!(push.bind(&at).await.unwrap(), at);
        }
        push.unbind(&at).unwrap();
        let other = Push::new();
        other.bind(&at).await.unwrap();
        other.send("of the other").await.unwrap();
        for text in ["waits", "of the other"] {
            assert_eq!(pull.recv().await, Ok(text.into()), "over {at}");
        }
    })
    .await;
}

async fn an_endpoint_is_free_when_close_begins_and_when_it_returns() {
    over_each_transport(async |at| {
        let (push, pull, at) = bound(at, Options::default()).await;
        let mut closing = std::pin::pin!(push.close(DEADLINE));
        let poll_once = std::future::poll_fn(|cx| std::task::Poll::Ready(closing.as_mut().poll(cx)));
        let _ = poll_once.await;
        let other = Dealer::new();
        other.bind(&at).await.unwrap();
        other.close(DEADLINE).await;
        other.close(DEADLINE).await;
        Dealer::new().bind(&at).await.unwrap();
        assert_eq!(pull.recv().await, Ok("waits".into()), "over {at}");
    })
    .await;
}

async fn an_endpoint_is_free_when_its_socket_is_dropped_or_its_context_shut_down() {
    over_each_transport(async |at| {
        let context = Context::new();
        let (push, pull, at) = bound(at, Options::default()).await;
        drop(push);
        let next = Push::with_options(Options::default().context(&context));
        next.bind(&at).await.unwrap();
        context.shutdown(Duration::ZERO).await;
        Push::new().bind(&at).await.unwrap();
        assert_eq!(pull.recv().await, Ok("waits".into()), "over {at}");
    })
    .await;
}

async fn no_peer_is_admitted_once_unbind_has_returned() {
    let (_folder, file) = ipc();
    for at in ["tcp://127.0.0.1:*", &file] {
        let pull = Pull::new();
        let at = pull.bind(at).await.unwrap();
        pull.unbind(&at).unwrap();
        let refused = match &at {
            Endpoint::Tcp { port, .. } => TcpStream::connect(("127.0.0.1", *port)).err(),
            Endpoint::Ipc(IpcPath::File(path)) => UnixStream::connect(path).err(),
            _ => unreachable!(),
        };
        assert!(
            refused.is_some_and(|e| matches!(e.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound)),
            "at {at}"
        );
    }
}

async fn a_pair_that_disconnects_and_connects_at_once_is_served_again() {
    over_each_transport(async |at| {
        let (bound, connected) = (Pair::new(), Pair::new());
        let at = bound.bind(at).await.unwrap();
        connected.connect(&at).unwrap();
        for n in 0..20 {
            connected.send(n.to_string()).await.unwrap();
            connected.disconnect(&at).unwrap();
            connected.connect(&at).unwrap();
            assert_eq!(bound.recv().await, Ok(n.to_string().into()), "over {at}");
            connected.wait_connected(1).await;
        }
    })
    .await;
}

async fn a_dealer_with_an_identity_that_disconnects_and_connects_at_once_is_served_again() {
    over_each_transport(async |at| {
        let (router, dealer) = (Router::new(), Dealer::builder().identity("name").build());
        let at = router.bind(at).await.unwrap();
        dealer.connect(&at).unwrap();
        for n in 0..20 {
            dealer.send(n.to_string()).await.unwrap();
            dealer.disconnect(&at).unwrap();
            dealer.connect(&at).unwrap();
            assert_eq!(router.recv_routed().await, Ok(["name", &n.to_string()].into()), "over {at}");
        }
    })
    .await;
}

async fn successful_connections_do_not_grow_the_reconnect_interval() {
    over_each_transport(async |at| {
        let first = Duration::from_millis(1);
        let options = Options::default().reconnect_interval(first).reconnect_interval_max(DEADLINE);
        let (push, mut pull) = (Push::with_options(options), Pull::new());
        let mut monitor = push.monitor();
        let at = pull.bind(at).await.unwrap();
        push.connect(&at).unwrap();
        for _ in 0..6 {
            push.wait_connected(1).await;
            pull.close(Duration::ZERO).await;
            while !matches!(monitor.recv().await.unwrap(), MonitorEvent::Disconnected { .. }) {}
            let after = loop {
                if let MonitorEvent::ConnectRetried { after, .. } = monitor.recv().await.unwrap() {
                    break after;
                }
            };
            assert!(after <= 2 * first, "{after:?} over {at}");
            pull = Pull::new();
            pull.bind(&at).await.unwrap();
        }
    })
    .await;
}
