//! Queued messages and waiting calls when an endpoint is removed or a socket is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enfonet::error::{RecvError, SendError, TryRecvError};
use enfonet::message::Batch;
use enfonet::{Dealer, Endpoint, Options, Pull, Push, Rep, Req, Router, Sub, XPub};
use enfonet_tests::DEADLINE;

use crate::{anywhere, eventually, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    unbind_and_disconnect_of_the_same_endpoint_are_independent,
    the_last_endpoint_can_be_asked_for,
    after_unbind_and_disconnect_no_message_is_taken,
    queued_messages_are_sent_after_the_endpoint_is_removed,
    a_message_taken_while_the_endpoint_is_removed_is_sent,
    without_linger_queued_messages_are_dropped,
    immediate_sockets_wait_for_connections,
    close_counts_flushed_and_dropped_messages,
    messages_sent_just_before_the_close_are_written,
    a_connection_ends_once_any_amount_of_queued_data_is_written,
    dropping_the_last_clone_closes_the_socket,
    a_closed_socket_says_so_once_all_earlier_messages_are_received,
);

async fn the_last_endpoint_can_be_asked_for() {
    let (one, other) = (Pull::new(), Push::new());
    assert_eq!(one.last_endpoint(), None);
    for at in anywhere() {
        let at = one.bind(at).await.unwrap();
        assert_eq!(one.last_endpoint().as_ref(), Some(&at));
        other.connect(&at).unwrap();
        assert_eq!(other.last_endpoint(), Some(at));
    }
}

async fn unbind_and_disconnect_of_the_same_endpoint_are_independent() {
    for at in anywhere() {
        let dealer = Dealer::new();
        let at = dealer.bind(at).await.unwrap();
        assert!(dealer.disconnect(&at).is_err(), "not connected");
        dealer.connect(&at).unwrap();
        // The socket's two ends are peers of each other.
        dealer.wait_connected(2).await;
        dealer.send("to itself").await.unwrap();
        assert_eq!(dealer.recv().await, Ok("to itself".into()));
        dealer.disconnect(&at).unwrap();
        assert!(dealer.disconnect(&at).is_err());
        let other = Dealer::new();
        other.connect(&at).unwrap();
        other.send("still bound").await.unwrap();
        assert_eq!(dealer.recv().await, Ok("still bound".into()));
        dealer.unbind(&at).unwrap();
        assert!(dealer.unbind(&at).is_err());
    }
}

async fn after_unbind_and_disconnect_no_message_is_taken() {
    for at in anywhere() {
        for push_binds in [true, false] {
            let (push, pull) = (Push::new(), Pull::new());
            let at = if at.starts_with("inproc") { inproc() } else { at.clone() };
            let at = if push_binds {
                let at = push.bind(at).await.unwrap();
                pull.connect(&at).unwrap();
                at
            } else {
                let at = pull.bind(at).await.unwrap();
                push.connect(&at).unwrap();
                at
            };
            push.wait_connected(1).await;
            push.try_send("before").unwrap();
            if push_binds {
                push.unbind(&at).unwrap();
            } else {
                push.disconnect(&at).unwrap();
            }
            assert_eq!(push.try_send("after"), Err(SendError::Full("after".into())));
            assert_eq!(pull.recv().await, Ok("before".into()), "over {at}");
            assert!(push.unbind(&at).is_err() && push.disconnect(&at).is_err(), "it isn't known any more");
        }
    }
}

async fn queued_messages_are_sent_after_the_endpoint_is_removed() {
    let (push, at) = (Push::new(), inproc());
    push.connect(&at).unwrap();
    for n in 0..100 {
        push.send(n.to_string()).await.unwrap();
    }
    let given_up: Endpoint = at.parse().unwrap();
    push.disconnect(&given_up).unwrap();
    yield_to_others().await;
    let pull = Pull::with_options(Options::default().recv_hwm(1));
    pull.bind(at).await.unwrap();
    for n in 0..100 {
        assert_eq!(pull.recv().await, Ok(n.to_string().into()));
    }
    // The connection ends afterwards.
    eventually(|| push.try_send("x").is_err().then_some(())).await;
}

async fn a_message_taken_while_the_endpoint_is_removed_is_sent() {
    for push_binds in [true, false].repeat(10) {
        for at in anywhere() {
            let (push, pull) = (Push::new(), Pull::new());
            let at = if push_binds { push.bind(at).await.unwrap() } else { pull.bind(at).await.unwrap() };
            if push_binds {
                pull.connect(&at).unwrap()
            } else {
                push.connect(&at).unwrap()
            }
            push.wait_connected(1).await;
            let (sender, is_over) = (push.clone(), Arc::new(AtomicBool::new(false)));
            let must_end = is_over.clone();
            let sending = std::thread::spawn(move || {
                let mut sent = 0u32;
                loop {
                    let ends = must_end.load(Ordering::Acquire);
                    match sender.try_send(&sent.to_be_bytes()[..]) {
                        Ok(()) => sent += 1,
                        Err(_) if ends => return sent,
                        Err(_) => std::thread::yield_now(),
                    }
                }
            });
            for _ in 0..100 {
                pull.recv().await.unwrap();
            }
            if push_binds {
                push.unbind(&at).unwrap()
            } else {
                push.disconnect(&at).unwrap()
            }
            is_over.store(true, Ordering::Release);
            let mut received = 100;
            let sent = loop {
                if sending.is_finished() {
                    break sending.join().unwrap();
                }
                received += u32::from(pull.try_recv().is_ok());
                tokio::task::yield_now().await;
            };
            while received < sent {
                assert_eq!(pull.recv().await, Ok(received.to_be_bytes()[..].into()), "of {sent}, at {at}");
                received += 1;
            }
        }
    }
}

async fn without_linger_queued_messages_are_dropped() {
    let (push, at) = (Push::with_options(Options::default().linger(Duration::ZERO)), inproc());
    push.connect(&at).unwrap();
    push.send("dropped").await.unwrap();
    push.disconnect(&at).unwrap();
    let pull = Pull::new();
    pull.bind(&at).await.unwrap();
    yield_to_others().await;
    push.connect(&at).unwrap();
    push.send("anew").await.unwrap();
    assert_eq!(pull.recv().await, Ok("anew".into()));
}

async fn immediate_sockets_wait_for_connections() {
    let options = Options::default().immediate(true).reconnect_interval(Duration::from_millis(1));
    let (dealer, dead, live) = (Dealer::with_options(options), inproc(), inproc());
    dealer.connect(&dead).unwrap();
    dealer.connect(&live).unwrap();
    assert_eq!(dealer.try_send("x"), Err(SendError::Full("x".into())));
    let peer = Dealer::new();
    peer.bind(&live).await.unwrap();
    for n in 0..10 {
        dealer.send(n.to_string()).await.unwrap();
    }
    for n in 0..10 {
        assert_eq!(peer.recv().await, Ok(n.to_string().into()), "all go to the one that is there");
    }
    peer.close(DEADLINE).await;
    eventually(|| (dealer.try_send("x") == Err(SendError::Full("x".into()))).then_some(())).await;
    let peer = Dealer::new();
    peer.bind(&live).await.unwrap();
    dealer.send("again").await.unwrap();
    assert_eq!(peer.recv().await, Ok("again".into()));
}

async fn close_counts_flushed_and_dropped_messages() {
    let push = Push::new();
    push.connect(inproc()).unwrap();
    for _ in 0..7 {
        push.send("nobody comes").await.unwrap();
    }
    let closing = push.close(Duration::ZERO).await;
    assert_eq!((closing.flushed, closing.dropped), (0, 7));
    let (push, at) = (Push::new(), inproc());
    push.connect(&at).unwrap();
    for _ in 0..7 {
        push.send("somebody will").await.unwrap();
    }
    let closing = tokio::spawn({
        let push = push.clone();
        async move { push.close(DEADLINE).await }
    });
    eventually(|| push.try_send_batch(&mut Batch::default()).err()).await;
    let pull = Pull::new();
    pull.bind(at).await.unwrap();
    let closing = closing.await.unwrap();
    assert_eq!((closing.flushed, closing.dropped), (7, 0));
    for _ in 0..7 {
        assert_eq!(pull.recv().await, Ok("somebody will".into()));
    }
    let (push, pull) = (Push::new(), Pull::new());
    push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    push.send("handed over long before").await.unwrap();
    push.wait_connected(1).await;
    eventually(|| (push.peers()[0].sent.messages == 1).then_some(())).await;
    let closing = push.close(DEADLINE).await;
    assert_eq!((closing.flushed, closing.dropped), (0, 0));
}

async fn messages_sent_just_before_the_close_are_written() {
    for at in anywhere() {
        let (push, pull) = (Push::new(), Pull::new());
        pull.connect(push.bind(at).await.unwrap()).unwrap();
        push.wait_connected(1).await;
        for text in ["1", "2", "3"] {
            push.try_send(text).unwrap();
        }
        // On several threads some messages may be written before the close.
        let closing = push.close(DEADLINE).await;
        assert!(closing.flushed <= 3 && closing.dropped == 0, "{closing:?}");
        for text in ["1", "2", "3"] {
            assert_eq!(pull.recv().await, Ok(text.into()));
        }
    }
}

async fn a_connection_ends_once_any_amount_of_queued_data_is_written() {
    const FOR_EVER: Duration = Duration::from_secs(3600);
    for at in anywhere() {
        for bytes in [1, 100_000, 200_000, 1_000_000] {
            let at = if at.starts_with("inproc") { inproc() } else { at.clone() };
            let (push, pull) = (Push::builder().linger(FOR_EVER).build(), Pull::new());
            let at = push.bind(at).await.unwrap();
            pull.connect(&at).unwrap();
            push.wait_connected(1).await;
            push.try_send(vec![0; bytes]).unwrap();
            push.unbind(&at).unwrap();
            assert_eq!(pull.recv().await.unwrap().first().len(), bytes);
            eventually(|| push.peers().is_empty().then_some(())).await;
            push.close(FOR_EVER).await;
        }
        let (push, pull) = (Push::new(), Pull::new());
        let at = if at.starts_with("inproc") { inproc() } else { at };
        pull.connect(push.bind(at).await.unwrap()).unwrap();
        push.wait_connected(1).await;
        push.try_send(vec![0; 200_000]).unwrap();
        let closing = tokio::spawn(async move { push.close(FOR_EVER).await });
        assert_eq!(pull.recv().await.unwrap().first().len(), 200_000);
        assert_eq!(closing.await.unwrap().dropped, 0);
    }
}

async fn dropping_the_last_clone_closes_the_socket() {
    let pull = Pull::new();
    let at = pull.bind(inproc()).await.unwrap();
    let clone = pull.clone();
    drop(pull);
    let push = Push::new();
    push.connect(&at).unwrap();
    push.send("to the clone").await.unwrap();
    assert_eq!(clone.recv().await, Ok("to the clone".into()));
    let waiting = tokio::spawn({
        let clone = clone.clone();
        async move { clone.recv().await }
    });
    yield_to_others().await;
    clone.close(Duration::ZERO).await;
    assert_eq!(waiting.await.unwrap(), Err(RecvError::Closed));
    drop(clone);
    let next = Pull::new();
    next.bind(&at).await.unwrap();
}

async fn a_closed_socket_says_so_once_all_earlier_messages_are_received() {
    let (dealer, router) = (Dealer::new(), Router::new());
    dealer.connect(router.bind(inproc()).await.unwrap()).unwrap();
    assert_eq!(router.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(router.try_recv_event(1).err(), Some(TryRecvError::Empty));
    for _ in 0..2 {
        dealer.send("x").await.unwrap();
    }
    let have_arrived = || router.peers().first().is_some_and(|peer| peer.received.messages == 2);
    eventually(|| have_arrived().then_some(())).await;
    router.close(Duration::ZERO).await;
    assert!(router.try_recv_event(1).is_ok() && router.try_recv().is_ok());
    assert_eq!(router.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(router.try_recv_event(1).err(), Some(TryRecvError::Closed));

    let (rep, sub, xpub, req) = (Rep::new(), Sub::new(), XPub::new(), Req::new());
    let outcomes = || {
        [
            rep.try_recv().err(),
            sub.try_recv().err(),
            sub.try_recv_batch(usize::MAX).err(),
            xpub.try_recv().err(),
        ]
    };
    assert_eq!(outcomes(), [Some(TryRecvError::Empty); 4]);
    req.connect(inproc()).unwrap();
    req.send("nobody hears it").await.unwrap();
    assert_eq!(req.try_recv(), Err(TryRecvError::Empty));
    rep.close(Duration::ZERO).await;
    sub.close(Duration::ZERO).await;
    xpub.close(Duration::ZERO).await;
    assert_eq!(outcomes(), [Some(TryRecvError::Closed); 4]);
    req.close(Duration::ZERO).await;
    assert_eq!(
        req.try_recv().map_err(|error| error.to_string()),
        req.recv().await.map_err(|error| error.to_string())
    );
}
