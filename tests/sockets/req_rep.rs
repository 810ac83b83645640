//! REQ and REP: calls without waiting, streams of requests, and the client of a request.

use enfonet::error::{SendError, TryRecvError};
use enfonet::message::Batch;
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Options, Rep, Req};
use enfonet_tests::DEADLINE;
use futures_util::StreamExt;

use crate::{anywhere, eventually, inproc, on_every_runtime};

on_every_runtime!(
    a_request_and_its_reply_can_be_exchanged_without_waiting,
    a_lost_reply_is_reported_without_waiting,
    requests_can_be_a_stream,
    a_request_knows_its_client,
    parts_of_requests_are_answered_in_any_order_and_each_client_gets_its_reply,
    a_property_of_a_worker_is_known_when_it_joins,
    a_server_that_is_never_out_of_requests_loses_no_reply,
);

async fn a_request_and_its_reply_can_be_exchanged_without_waiting() {
    for at in anywhere() {
        let (req, rep) = (Req::new(), Rep::new());
        assert_eq!(req.try_send("nobody"), Err(SendError::Full("nobody".into())));
        assert_eq!(req.try_recv(), Err(TryRecvError::NoRequest));
        req.connect(rep.bind(at).await.unwrap()).unwrap();
        for n in 0..100 {
            req.try_send(n.to_string()).unwrap();
            assert_eq!(req.try_send("two"), Err(SendError::ReplyPending("two".into())));
            let request = eventually(|| rep.try_recv().ok()).await;
            assert_eq!(req.try_recv(), Err(TryRecvError::Empty));
            request.reply(n.to_string()).unwrap();
            assert_eq!(eventually(|| req.try_recv().ok()).await, n.to_string());
            assert_eq!(req.try_recv(), Err(TryRecvError::NoRequest));
        }
        req.close(DEADLINE).await;
        assert_eq!(req.try_send("late"), Err(SendError::Closed("late".into())));
        assert_eq!(req.try_recv(), Err(TryRecvError::NoRequest));
    }
}

async fn a_lost_reply_is_reported_without_waiting() {
    let (req, rep) = (Req::new(), Rep::new());
    req.connect(rep.bind(inproc()).await.unwrap()).unwrap();
    req.try_send("question").unwrap();
    drop(rep.recv().await.unwrap());
    rep.close(DEADLINE).await;
    let failure = || req.try_recv().err().filter(|error| *error != TryRecvError::Empty);
    assert_eq!(eventually(failure).await, TryRecvError::PeerGone);
    assert_eq!(req.try_recv(), Err(TryRecvError::NoRequest));
}

async fn a_property_of_a_worker_is_known_when_it_joins() {
    for at in anywhere() {
        let dealer = Dealer::builder().peer_events(true).build();
        let at = dealer.bind(at).await.unwrap();
        let worker = Rep::with_options(Options::default().property("X-Enfo-Capacity", "64"));
        worker.connect(&at).unwrap();
        let PeerEvent::Joined { info, .. } = dealer.recv_event(1).await.unwrap() else { panic!() };
        assert_eq!(info.property("X-Enfo-Capacity"), Some(&b"64"[..]), "{at}");
        assert_eq!(info.property("X-Enfo-Other"), None);
    }
}

async fn a_server_that_is_never_out_of_requests_loses_no_reply() {
    const REQUESTS: usize = 5000;
    for at in anywhere() {
        let rep = Rep::builder().recv_hwm(0).build();
        let client = Dealer::builder().send_hwm(0).recv_hwm(0).build();
        client.connect(rep.bind(at).await.unwrap()).unwrap();
        client.wait_connected(1).await;
        let mut requests: Batch = (0..REQUESTS).map(|n| [String::new(), n.to_string()]).collect();
        client.send_batch(&mut requests).await.unwrap();
        let serve = async {
            for n in 0..REQUESTS {
                let request = rep.recv().await.unwrap();
                let message = request.message().clone();
                request.reply(message).unwrap_or_else(|error| panic!("reply {n}: {error}"));
            }
        };
        let receive = async {
            for n in 0..REQUESTS {
                assert_eq!(client.recv().await.unwrap(), [String::new(), n.to_string()]);
            }
        };
        tokio::join!(serve, receive);
    }
}

async fn requests_can_be_a_stream() {
    let rep = Rep::new();
    let at = rep.bind(inproc()).await.unwrap();
    tokio::spawn(rep.stream().for_each(async |request| {
        let request = request.unwrap();
        let message = request.message().clone();
        request.reply(message).unwrap();
    }));
    for n in 0..10 {
        let req = Req::new();
        req.connect(&at).unwrap();
        assert_eq!(req.request(n.to_string()).await, Ok(n.to_string().into()));
    }
}

async fn a_request_knows_its_client() {
    let (rep, req) = (Rep::new(), Req::builder().identity("ada").property("X-Role", "admin").build());
    let at = rep.bind("tcp://127.0.0.1:*").await.unwrap();
    req.connect(&at).unwrap();
    req.send("who am I?").await.unwrap();
    let request = rep.recv().await.unwrap();
    let client = request.client();
    assert_eq!((client.id, &client.endpoint), (request.peer(), &at));
    assert_eq!((&client.address[..], &client.routing_id[..]), ("127.0.0.1", &b"ada"[..]));
    assert_eq!(client.property("x-role"), Some(&b"admin"[..]));
    assert_eq!(rep.peer(request.peer()).as_deref(), Some(client));
    let of = (request.peer(), request.client().clone());
    let (message, responder) = request.into_parts();
    assert_eq!((responder.peer(), responder.client().clone()), of);
    responder.reply(message).unwrap();
    assert_eq!(req.recv().await.unwrap(), "who am I?");
}

async fn parts_of_requests_are_answered_in_any_order_and_each_client_gets_its_reply() {
    let rep = Rep::new();
    let at = rep.bind(inproc()).await.unwrap();
    let clients = [(); 3].map(|()| Req::new());
    let mut parts = Vec::new();
    for (n, client) in clients.iter().enumerate() {
        client.connect(&at).unwrap();
        client.send(n.to_string()).await.unwrap();
        parts.push(rep.recv().await.unwrap().into_parts());
    }
    let (_, unanswered) = parts.remove(1);
    drop(unanswered);
    for (message, responder) in parts.into_iter().rev() {
        responder.reply(["re", &message.text(0)]).unwrap();
    }
    for n in [0, 2] {
        assert_eq!(clients[n].recv().await.unwrap(), ["re", &n.to_string()]);
    }
    assert_eq!(clients[1].try_recv(), Err(TryRecvError::Empty));
}
