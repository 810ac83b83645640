//! Inproc connections: incompatible sockets take no messages, and a closing socket loses none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use enfonet::error::SendError;
use enfonet::{Context, Dealer, Options, Sub};
use enfonet_tests::DEADLINE;
use tokio::task::yield_now;

use crate::within_deadline;

const AT: &str = "inproc://name";

/// Returns options for sockets of one context that reconnect at once.
fn options() -> Options {
    Options::default().context(&Context::new()).reconnect_interval(Duration::ZERO)
}

/// Yields to other tasks many times.
async fn turns() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_socket_of_an_incompatible_type_takes_no_messages() {
    let options = options();
    let dealer = Dealer::with_options(options.clone());
    dealer.bind(AT).await.unwrap();
    let wrong = Sub::with_options(options.clone());
    wrong.connect(AT).unwrap();
    // However often the socket tries to connect.
    for _ in 0..10 {
        turns().await;
        assert_eq!(dealer.try_send("nobody"), Err(SendError::Full("nobody".into())));
    }
    let good = Dealer::with_options(options);
    good.connect(AT).unwrap();
    within_deadline(dealer.wait_connected(1)).await;
    for n in 0..1000 {
        dealer.try_send(n.to_string()).unwrap();
        yield_now().await;
        assert_eq!(within_deadline(good.recv()).await, Ok(n.to_string().into()));
    }
}

/// Sends until both queues are full, and returns the number of messages.
async fn fill(dealer: &Dealer) -> VecDeque<String> {
    let mut sent = VecDeque::new();
    loop {
        let message = sent.len().to_string();
        match dealer.try_send(message.clone()) {
            Ok(()) => sent.push_back(message),
            Err(error) => {
                assert_eq!(error, SendError::Full(message.clone().into()));
                turns().await;
                match dealer.try_send(message.clone()) {
                    Ok(()) => sent.push_back(message),
                    Err(_) => return sent,
                }
            }
        }
        turns().await;
    }
}

/// Closes a socket with a peer at its mark, and asserts that all messages arrive in order.
async fn close_at_the_mark(closing: Dealer, slow: Dealer) {
    within_deadline(closing.wait_connected(1)).await;
    let closing = Arc::new(closing);
    let mut sent = fill(&closing).await;
    assert!(sent.len() >= 60, "both marks are reached");
    let close = tokio::spawn({
        let closing = closing.clone();
        async move { closing.close(DEADLINE).await }
    });
    while !matches!(closing.try_send("too late"), Err(SendError::Closed(_))) {
        yield_now().await;
    }
    // These turns are enough for a reconnect.
    for _ in 0..100 {
        turns().await;
    }
    assert!(!close.is_finished(), "nothing has been received yet");
    while let Some(next) = sent.pop_front() {
        assert_eq!(within_deadline(slow.recv()).await, Ok(next.into()));
    }
    assert_eq!(within_deadline(close).await.unwrap().dropped, 0);
    assert_eq!(slow.try_recv().ok(), None);
}

#[tokio::test]
async fn a_bound_socket_that_closes_with_its_peer_at_the_mark_loses_and_reorders_nothing() {
    let options = options();
    let closing = Dealer::with_options(options.clone().send_hwm(50));
    closing.bind(AT).await.unwrap();
    let slow = Dealer::with_options(options.recv_hwm(10));
    slow.connect(AT).unwrap();
    close_at_the_mark(closing, slow).await;
}

#[tokio::test]
async fn a_connected_socket_that_closes_with_its_peer_at_the_mark_loses_and_reorders_nothing() {
    let options = options();
    let slow = Dealer::with_options(options.clone().recv_hwm(10));
    slow.bind(AT).await.unwrap();
    let closing = Dealer::with_options(options.send_hwm(50));
    closing.connect(AT).unwrap();
    close_at_the_mark(closing, slow).await;
}
