//! Subscribers that drain: they receive all that their publishers send until these close.

use std::io::{Read, Write};
use std::thread::JoinHandle;

use enfonet::{Message, Options, Pub, XPub, XSub};
use enfonet_tests::{Script, message};

use crate::{inproc, on_every_runtime, within_deadline};

on_every_runtime!(
    draining_receives_all_messages_until_the_publishers_close,
    publishers_that_never_pause_see_the_end_while_draining,
    an_inproc_publisher_is_drained,
);

async fn draining_receives_all_messages_until_the_publishers_close() {
    let subscriber = XSub::new();
    subscriber.subscribe("");
    let at = subscriber.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let mut publisher = tokio::task::spawn_blocking(move || Script::join(&at, "PUB", 1)).await.unwrap();
    subscriber.wait_connected(1).await;
    let publishing = tokio::task::spawn_blocking(move || {
        // The publisher sees the end of the stream, and its later messages are received nevertheless.
        publisher.expect_close();
        for n in 0..500 {
            publisher.send(&message(&[n.to_string()]));
        }
    });
    subscriber.drain().await;
    publishing.await.unwrap();
    for n in 0..500 {
        assert_eq!(subscriber.try_recv(), Ok(n.to_string().into()));
    }
    assert_eq!(subscriber.try_recv().ok(), None);
}

/// Connects a publisher that sends without a pause until it sees the end of the stream.
fn flood(at: &str) -> JoinHandle<()> {
    let mut reading = Script::join(at, "PUB", 1).into_stream();
    let mut writing = reading.try_clone().unwrap();
    let chunk = message(&[&[b'x'; 62]]).repeat(4_000);
    std::thread::spawn(move || {
        let until_end = std::thread::spawn(move || {
            let mut read = [0; 4096];
            while let Ok(1..) = reading.read(&mut read) {}
        });
        while !until_end.is_finished() && writing.write_all(&chunk).is_ok() {}
        until_end.join().unwrap();
    })
}

async fn publishers_that_never_pause_see_the_end_while_draining() {
    let subscriber = XSub::with_options(Options::default().recv_hwm(0).recv_bytes(4 << 20));
    subscriber.subscribe("");
    let at = subscriber.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let joining = move || (0..6).map(|_| flood(&at)).collect::<Vec<_>>();
    let publishers = tokio::task::spawn_blocking(joining).await.unwrap();
    let receiving = async { while subscriber.recv_batch(usize::MAX).await.is_ok() {} };
    tokio::select! {
        () = receiving => unreachable!("the socket is open"),
        () = within_deadline(subscriber.drain()) => {}
    }
    tokio::task::spawn_blocking(|| publishers.into_iter().for_each(|publisher| publisher.join().unwrap()))
        .await
        .unwrap();
}

async fn an_inproc_publisher_is_drained() {
    // Over tcp, a PUB drops all that it hasn't written when it sees the end of the stream.
    for at in [inproc()] {
        let subscriber = XSub::new();
        subscriber.subscribe("");
        let at = subscriber.bind(at).await.unwrap();
        let (publisher, other) = (Pub::new(), XPub::new());
        publisher.connect(&at).unwrap();
        other.connect(&at).unwrap();
        publisher.wait_subscribers(1).await;
        other.recv().await.unwrap();
        for n in 0..100 {
            publisher.send(format!("{n}")).await.unwrap();
            other.send("other").await.unwrap();
        }
        within_deadline(subscriber.drain()).await;
        assert_eq!(subscriber.peers().len(), 0);
        let received: Vec<_> = std::iter::from_fn(|| subscriber.try_recv().ok())
            .filter(|message| message.first() != b"other")
            .collect();
        assert_eq!(received, (0..100).map(|n| Message::from(n.to_string())).collect::<Vec<_>>());
    }
}
