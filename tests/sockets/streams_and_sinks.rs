//! Streams and sinks.

use enfonet::error::{RecvError, SendError};
use enfonet::{Dealer, Options, Pair, Pull, Push, Router};
use futures_util::{SinkExt, StreamExt, TryStreamExt};

use crate::{anywhere, inproc, on_every_runtime};

on_every_runtime!(
    a_stream_yields_the_messages_of_recv_until_the_socket_is_closed,
    a_stream_continues_after_a_receive_timeout,
    a_dropped_stream_loses_nothing,
    a_sink_sends_in_order_and_waits_for_room,
    a_stream_can_be_forwarded_to_a_sink,
    a_routers_stream_and_sink_carry_the_peer,
    a_sink_returns_the_message_when_the_socket_is_closed,
);

async fn a_stream_yields_the_messages_of_recv_until_the_socket_is_closed() {
    for at in anywhere() {
        let (pull, push) = (Pull::new(), Push::new());
        push.connect(pull.bind(at).await.unwrap()).unwrap();
        let mut stream = pull.stream();
        for n in 0..100 {
            push.send(n.to_string()).await.unwrap();
            assert_eq!(stream.next().await, Some(Ok(n.to_string().into())));
        }
        pull.close(std::time::Duration::ZERO).await;
        assert_eq!(stream.next().await, None);
    }
}

async fn a_stream_continues_after_a_receive_timeout() {
    let millisecond = std::time::Duration::from_millis(1);
    let pull = Pull::with_options(Options::default().recv_timeout(millisecond));
    let push = Push::new();
    push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    let mut stream = pull.stream();
    for n in 0..3 {
        assert_eq!(stream.try_next().await, Err(RecvError::Timeout));
        push.send(n.to_string()).await.unwrap();
        let mut next = stream.next().await;
        while next == Some(Err(RecvError::Timeout)) {
            next = stream.next().await;
        }
        assert_eq!(next, Some(Ok(n.to_string().into())));
    }
}

async fn a_dropped_stream_loses_nothing() {
    let (pull, push) = (Pull::new(), Push::new());
    push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    for n in 0..100 {
        let mut stream = pull.stream();
        let waiting = futures_util::poll!(stream.next());
        assert!(waiting.is_pending());
        push.send(n.to_string()).await.unwrap();
        crate::yield_to_others().await;
        drop(stream);
        assert_eq!(pull.recv().await, Ok(n.to_string().into()));
    }
}

async fn a_sink_sends_in_order_and_waits_for_room() {
    let push = Push::with_options(Options::default().send_hwm(1));
    let pull = Pull::with_options(Options::default().recv_hwm(1));
    push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    let sending = tokio::spawn(async move {
        let mut sink = push.sink();
        for n in 0..1000 {
            sink.feed(n.to_string()).await.unwrap();
        }
        SinkExt::<String>::close(&mut sink).await.unwrap();
        push
    });
    for n in 0..1000 {
        assert_eq!(pull.recv().await, Ok(n.to_string().into()));
    }
    sending.await.unwrap();
}

async fn a_stream_can_be_forwarded_to_a_sink() {
    let (echo, pair) = (Pair::new(), Pair::new());
    pair.connect(echo.bind(inproc()).await.unwrap()).unwrap();
    tokio::spawn(echo.stream().map(|message| Ok(message.unwrap())).forward(echo.sink()));
    for n in 0..100 {
        pair.send([n.to_string(), "twice".into()]).await.unwrap();
        assert_eq!(pair.recv().await, Ok([n.to_string(), "twice".into()].into()));
    }
}

async fn a_routers_stream_and_sink_carry_the_peer() {
    let router = Router::new();
    let at = router.bind(inproc()).await.unwrap();
    tokio::spawn(router.stream().map(|message| Ok(message.unwrap())).forward(router.sink()));
    let dealers = [(); 3].map(|()| Dealer::new());
    for (n, dealer) in dealers.iter().enumerate() {
        dealer.connect(&at).unwrap();
        dealer.send(n.to_string()).await.unwrap();
    }
    for (n, dealer) in dealers.iter().enumerate() {
        assert_eq!(dealer.recv().await, Ok(n.to_string().into()));
    }
}

async fn a_sink_returns_the_message_when_the_socket_is_closed() {
    let push = Push::new();
    let mut sink = push.sink();
    push.close(std::time::Duration::ZERO).await;
    assert_eq!(sink.send("late").await, Err(SendError::Closed("late".into())));
    assert_eq!(sink.send("again").await, Err(SendError::Closed("again".into())));
}
