//! Concurrent requests of a [`Client`].

use std::pin::pin;
use std::time::Duration;

use enfonet::error::{RecvError, RequestError, SendError};
use enfonet::peer::PeerId;
use enfonet::{Client, Dealer, Message, Router};
use futures_util::future::join_all;
use futures_util::poll;

use crate::{anywhere, eventually, inproc, on_every_runtime};

on_every_runtime!(
    replies_in_any_order_find_their_requests,
    a_request_without_a_reply_fails_after_its_timeout_and_the_late_reply_is_counted,
    a_cancelled_request_leaves_nothing_and_its_late_reply_is_counted,
    a_request_without_a_peer_returns_its_message_after_the_timeout,
    pending_requests_never_exceed_the_limit,
    messages_that_are_no_replies_are_ignored,
    requests_of_a_closed_client_fail,
    dropping_a_client_closes_its_socket,
);

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(1);
const TIMEOUT: Result<Message, RequestError> = Err(RequestError::Recv(RecvError::Timeout));

async fn pair_at(at: String) -> (Client, Router) {
    let (client, router) = (Client::new(), Router::new());
    client.connect(router.bind(at).await.unwrap()).unwrap();
    (client, router)
}

async fn pair() -> (Client, Router) {
    pair_at(inproc()).await
}

/// Receives a request, and returns its peer, envelope and body.
async fn recv(router: &Router) -> (PeerId, enfonet::message::Envelope, Message) {
    let (peer, request) = router.recv().await.unwrap();
    let (envelope, body) = request.split_envelope().unwrap();
    (peer, envelope, body)
}

async fn replies_in_any_order_find_their_requests() {
    for at in anywhere() {
        let (client, router) = pair_at(at).await;
        let requests = join_all((0..100).map(|n| client.request(n.to_string(), LONG)));
        let serve = async {
            let mut requests = Vec::new();
            for _ in 0..100 {
                requests.push(recv(&router).await);
            }
            for (peer, envelope, body) in requests.into_iter().rev() {
                router.send_to(peer, Message::from(("re", &body[0])).with_envelope(&envelope)).await.unwrap();
            }
        };
        let (replies, ()) = tokio::join!(requests, serve);
        for (n, reply) in replies.into_iter().enumerate() {
            assert_eq!(reply.unwrap(), ["re".to_owned(), n.to_string()]);
        }
        assert_eq!((client.in_flight(), client.late_replies()), (0, 0));
    }
}

async fn a_request_without_a_reply_fails_after_its_timeout_and_the_late_reply_is_counted() {
    let (client, router) = pair().await;
    client.dealer().wait_connected(1).await;
    assert_eq!(client.request("early", SHORT).await, TIMEOUT);
    let (peer, envelope, _) = recv(&router).await;
    for late in 1..=2 {
        router.send_to(peer, Message::from("late").with_envelope(&envelope)).await.unwrap();
        eventually(|| (client.late_replies() == late).then_some(())).await;
    }
    let (reply, ()) = tokio::join!(client.request("next", LONG), async {
        let (peer, envelope, body) = recv(&router).await;
        router.send_to(peer, body.with_envelope(&envelope)).await.unwrap();
    });
    assert_eq!(reply.unwrap(), "next");
    assert_eq!((client.in_flight(), client.late_replies()), (0, 2));
}

async fn a_cancelled_request_leaves_nothing_and_its_late_reply_is_counted() {
    let (client, router) = pair().await;
    client.dealer().wait_connected(1).await;
    {
        let mut request = pin!(client.request("given up", LONG));
        assert!(poll!(request.as_mut()).is_pending());
        assert_eq!(client.in_flight(), 1);
    }
    assert_eq!(client.in_flight(), 0);
    let (peer, envelope, body) = recv(&router).await;
    assert_eq!(body, "given up");
    router.send_to(peer, body.with_envelope(&envelope)).await.unwrap();
    eventually(|| (client.late_replies() == 1).then_some(())).await;
}

async fn a_request_without_a_peer_returns_its_message_after_the_timeout() {
    let client = Client::new();
    let error = client.request(["a", "b"], SHORT).await.unwrap_err();
    assert_eq!(error, SendError::Timeout(["a", "b"].into()).into());
    assert_eq!(client.in_flight(), 0);
    // The request wasn't sent, so the server gets the next one.
    let router = Router::new();
    client.connect(router.bind(inproc()).await.unwrap()).unwrap();
    let mut next = pin!(client.request("next", LONG));
    assert!(poll!(next.as_mut()).is_pending());
    assert_eq!(recv(&router).await.2, "next");
}

async fn pending_requests_never_exceed_the_limit() {
    let (dealer, router) = (Dealer::new(), Router::new());
    dealer.connect(router.bind(inproc()).await.unwrap()).unwrap();
    let client = Client::with_limit(dealer, 2);
    let requests = join_all(["a", "b", "c"].map(|body| client.request(body, LONG)));
    let serve = async {
        let (peer, envelope, body) = recv(&router).await;
        assert_eq!(recv(&router).await.2, "b");
        assert_eq!(client.in_flight(), 2);
        crate::yield_to_others().await;
        assert!(router.try_recv().is_err());
        // The wait for a free slot counts towards the timeout.
        let error = client.request("d", SHORT).await.unwrap_err();
        assert_eq!(error, SendError::Timeout("d".into()).into());
        router.send_to(peer, body.with_envelope(&envelope)).await.unwrap();
        assert_eq!(recv(&router).await.2, "c");
        client.close(Duration::ZERO).await;
    };
    let (replies, ()) = tokio::join!(requests, serve);
    assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 1);
}

async fn messages_that_are_no_replies_are_ignored() {
    let (client, router) = pair().await;
    let serve = async {
        let (peer, envelope, body) = recv(&router).await;
        let id = envelope.iter().next().unwrap().to_vec();
        let malformed: [&[&[u8]]; 6] =
            [&[b""], &[&id], &[b"", b"x"], &[&id[1..], b"", b"x"], &[&id, b"y", b"", b"x"], &[&id, b""]];
        for message in malformed {
            router.send_to(peer, message).await.unwrap();
        }
        router.send_to(peer, body.with_envelope(&envelope)).await.unwrap();
    };
    let (reply, ()) = tokio::join!(client.request("a", LONG), serve);
    assert_eq!(reply.unwrap(), "a");
    assert_eq!(client.late_replies(), 6);
}

async fn requests_of_a_closed_client_fail() {
    let (client, router) = pair().await;
    let (reply, _) = tokio::join!(client.request("a", LONG), async {
        recv(&router).await;
        client.close(Duration::ZERO).await
    });
    assert_eq!(reply, Err(RecvError::Closed.into()));
    assert_eq!(client.request("b", LONG).await, Err(SendError::Closed("b".into()).into()));
    assert_eq!(client.in_flight(), 0);
}

async fn dropping_a_client_closes_its_socket() {
    let (client, router) = pair().await;
    router.wait_connected(1).await;
    client.dealer().wait_connected(1).await;
    assert_eq!(client.clone().request("a", SHORT).await, TIMEOUT);
    recv(&router).await;
    drop(client);
    eventually(|| router.peers().is_empty().then_some(())).await;
}
