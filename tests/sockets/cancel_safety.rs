//! Cancel safety: futures dropped at every await point during traffic lose, double and reorder nothing.

use std::pin::pin;
use std::task::Poll;

use enfonet::message::Batch;
use enfonet::{Dealer, Message, Options, Pair, Pull, Push, Rep, Req, Router};

use crate::{anywhere, on_every_runtime};

on_every_runtime!(
    many_cancelled_receives_lose_nothing,
    many_cancelled_sends_send_each_message_once,
    many_cancelled_batches_send_each_message_once,
    many_cancelled_reservations_hold_no_permit,
    many_cancellations_over_a_router_lose_nothing,
    many_cancelled_requests_match_the_right_replies,
);

const MESSAGES: usize = 3000;

/// Polls a future this many times, and drops it if it isn't ready by then.
async fn within_polls<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Returns options with small queues, so that all calls wait often.
fn narrow() -> Options {
    Options::default().send_hwm(3).recv_hwm(2)
}

fn numbered(n: usize) -> Message {
    [n.to_string().into_bytes(), vec![b'x'; n % 97]].into()
}

/// Receives each message once, in order.
async fn receive_all(pull: &Pull) {
    for n in 0..MESSAGES {
        assert_eq!(pull.recv().await, Ok(numbered(n)));
    }
}

async fn pipeline(at: &str) -> (Push, Pull) {
    let (push, pull) = (Push::with_options(narrow()), Pull::with_options(narrow()));
    push.connect(pull.bind(at).await.unwrap()).unwrap();
    (push, pull)
}

async fn many_cancelled_receives_lose_nothing() {
    for at in anywhere() {
        let (push, pull) = pipeline(&at).await;
        let sending = tokio::spawn(async move {
            for n in 0..MESSAGES {
                push.send(numbered(n)).await.unwrap();
            }
            push
        });
        let (mut next, mut dropped) = (0, 0);
        while next < MESSAGES {
            match within_polls(pull.recv(), dropped % 3).await {
                Some(message) => {
                    assert_eq!(message, Ok(numbered(next)));
                    next += 1;
                }
                None => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        assert!(dropped > 0, "it was a storm");
        sending.await.unwrap();
    }
}

async fn many_cancelled_sends_send_each_message_once() {
    for at in anywhere() {
        let (push, pull) = pipeline(&at).await;
        let sending = tokio::spawn(async move {
            let (mut next, mut dropped) = (0, 0);
            while next < MESSAGES {
                match within_polls(push.send(numbered(next)), dropped % 3).await {
                    Some(sent) => {
                        sent.unwrap();
                        next += 1;
                    }
                    None => {
                        dropped += 1;
                        tokio::task::yield_now().await;
                    }
                }
            }
            assert!(dropped > 0, "it was a storm");
            push
        });
        receive_all(&pull).await;
        sending.await.unwrap();
    }
}

async fn many_cancelled_batches_send_each_message_once() {
    for at in anywhere() {
        let (push, pull) = pipeline(&at).await;
        let sending = tokio::spawn(async move {
            let mut batch: Batch = (0..MESSAGES).map(numbered).collect();
            let mut dropped = 0;
            while within_polls(push.send_batch(&mut batch), dropped % 3).await.is_none() {
                dropped += 1;
                tokio::task::yield_now().await;
            }
            assert!(dropped > 0, "it was a storm");
            push
        });
        receive_all(&pull).await;
        sending.await.unwrap();
    }
}

async fn many_cancelled_reservations_hold_no_permit() {
    for at in anywhere() {
        let (push, pull) = pipeline(&at).await;
        let sending = tokio::spawn(async move {
            let (mut next, mut dropped) = (0, 0);
            while next < MESSAGES {
                match within_polls(push.reserve(), dropped % 3).await {
                    // Every other permit is dropped unused.
                    Some(permit) if (next + dropped) % 2 == 0 => {
                        permit.unwrap().send(numbered(next)).unwrap();
                        next += 1;
                    }
                    _ => {
                        dropped += 1;
                        tokio::task::yield_now().await;
                    }
                }
            }
            // All permits are free again.
            push.send("end").await.unwrap();
            push
        });
        receive_all(&pull).await;
        assert_eq!(pull.recv().await, Ok("end".into()));
        sending.await.unwrap();
    }
}

async fn many_cancellations_over_a_router_lose_nothing() {
    for at in anywhere() {
        let router = Router::with_options(narrow());
        let dealer = Dealer::with_options(narrow());
        dealer.connect(router.bind(&at).await.unwrap()).unwrap();
        let echo = tokio::spawn(async move {
            let mut polls = 0;
            for _ in 0..MESSAGES {
                let (peer, message) = loop {
                    polls += 1;
                    match within_polls(router.recv(), polls % 3).await {
                        Some(received) => break received.unwrap(),
                        None => tokio::task::yield_now().await,
                    }
                };
                while within_polls(router.send_to(peer, message.clone()), polls % 3).await.is_none() {
                    polls += 1;
                    tokio::task::yield_now().await;
                }
            }
            router
        });
        let sending = tokio::spawn({
            let dealer = dealer.clone();
            async move {
                for n in 0..MESSAGES {
                    dealer.send(numbered(n)).await.unwrap();
                }
            }
        });
        for n in 0..MESSAGES {
            assert_eq!(dealer.recv().await, Ok(numbered(n)));
        }
        sending.await.unwrap();
        echo.await.unwrap();
    }
}

async fn many_cancelled_requests_match_the_right_replies() {
    for at in anywhere() {
        let (rep, req) = (Rep::new(), Req::new());
        req.connect(rep.bind(&at).await.unwrap()).unwrap();
        let serving = tokio::spawn(async move {
            while let Ok(request) = rep.recv().await {
                let message = request.message().clone();
                let _ = request.reply(message);
            }
        });
        for n in 0..300 {
            // The reply to a cancelled request is received later.
            let reply = match within_polls(req.request(numbered(n)), n % 4).await {
                Some(reply) => reply.unwrap(),
                None => match req.recv().await {
                    Ok(reply) => reply,
                    Err(_) => continue,
                },
            };
            assert_eq!(reply, numbered(n));
        }
        serving.abort();
    }
}

/// Runs both ends concurrently, each cancelling its calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ends_that_cancel_every_call_still_communicate() {
    for at in anywhere() {
        let (one, other) = (Pair::with_options(narrow()), Pair::with_options(narrow()));
        other.connect(one.bind(&at).await.unwrap()).unwrap();
        let talk = |pair: Pair| async move {
            let (mut sent, mut received, mut polls) = (0, 0, 0);
            while sent < MESSAGES || received < MESSAGES {
                polls += 1;
                if sent < MESSAGES && within_polls(pair.send(numbered(sent)), polls % 2).await.is_some() {
                    sent += 1;
                }
                if received < MESSAGES
                    && let Some(message) = within_polls(pair.recv(), polls % 2).await
                {
                    assert_eq!(message, Ok(numbered(received)));
                    received += 1;
                }
                tokio::task::yield_now().await;
            }
            pair
        };
        let both = (tokio::spawn(talk(one)), tokio::spawn(talk(other)));
        crate::within_deadline(async { (both.0.await.unwrap(), both.1.await.unwrap()) }).await;
    }
}
