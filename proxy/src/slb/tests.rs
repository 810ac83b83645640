use std::time::Duration;

use enfonet::message::Batch;
use enfonet::peer::{PeerId, PeerStatus};
use enfonet::{Dealer, Endpoint, Message, Options, Rep};
use tokio_util::sync::CancellationToken;

use super::rep_requests::RepRequest;
use super::replies::CAPACITY;
use super::workers::{Assignment, WorkerKind};
use super::*;
use crate::config::Side;
use crate::tuning::{MAX_WORKER_EVENTS, SLB_QUEUE_BYTES};

/// Returns a broker, its frontend and its backend.
async fn broker() -> (Broker, Endpoint, Endpoint) {
    let side = || Side::bound("tcp://127.0.0.1:*".parse().unwrap());
    let broker = Broker::bind(Config::new(side(), side())).await.unwrap();
    let Endpoints { frontend, backend } = broker.endpoints().clone();
    (broker, frontend[0].clone(), backend[0].clone())
}

/// Returns a client, or a raw worker.
fn connected(endpoint: &Endpoint) -> Dealer {
    let dealer = Dealer::new();
    dealer.connect(endpoint.clone()).unwrap();
    dealer
}

/// Waits until the broker knows the first worker.
async fn wait_worker(broker: &mut Broker) {
    while broker.workers.credit() == 0 {
        assert!(broker.wait_ready().await);
        broker.process_ready();
    }
}

/// Returns a client whose request has arrived.
async fn connected_with_request(broker: &Broker, frontend: &Endpoint) -> Dealer {
    let client = connected(frontend);
    client.send(["", "request"]).await.unwrap();
    wait_unreceived(|| broker.frontend.peers(), 1).await;
    client
}

/// Waits until this number of messages is in the inboxes of the peers.
async fn wait_unreceived(peers: impl Fn() -> Vec<PeerStatus>, messages: u64) {
    let all_are_there = async {
        while peers().iter().map(|peer| peer.unreceived.messages).sum::<u64>() < messages {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all_are_there).await.expect("they come");
}

#[tokio::test]
async fn replies_of_busy_workers_do_not_delay_clients() {
    let (mut broker, frontend, backend) = broker().await;
    let workers: Vec<_> = (0..MAX_WORKER_EVENTS + 1).map(|_| connected(&backend)).collect();
    wait_worker(&mut broker).await;
    for worker in &workers {
        worker.send(["nobody", "", "reply"]).await.unwrap();
    }
    wait_unreceived(|| broker.backend.peers(), workers.len() as u64).await;
    let _client = connected_with_request(&broker, &frontend).await;
    while broker.summary.requests == 0 {
        assert!(broker.process_ready());
    }
    assert!(broker.summary.undeliverable < workers.len() as u64, "{:?}", broker.summary);
}

#[tokio::test]
async fn a_worker_with_room_again_gets_requests_even_if_the_broker_never_waits() {
    let (mut broker, frontend, backend) = broker().await;
    let worker = Rep::new();
    worker.connect(backend).unwrap();
    wait_worker(&mut broker).await;
    let peer = broker.backend.peers()[0].info.id;
    broker.workers.mark_full(peer);
    let _client = connected_with_request(&broker, &frontend).await;
    assert!(broker.process_ready());
    assert_eq!(broker.summary.requests, 1);
}

#[tokio::test]
async fn a_departed_full_worker_is_not_tried_again() {
    let (mut broker, frontend, backend) = broker().await;
    let worker = connected(&backend);
    wait_worker(&mut broker).await;
    let peer = broker.backend.peers()[0].info.id;
    broker.workers.mark_full(peer);
    worker.close(Duration::ZERO).await;
    let gone = broker.backend.wait_event();
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("it goes").unwrap();
    assert_eq!(broker.backend.find_room(&[peer]), None);
    let _client = connected_with_request(&broker, &frontend).await;
    assert!(!broker.process_ready());
    assert_eq!((broker.workers.full_workers(), broker.workers.credit()), (&[][..], 0), "its end is handled");
    assert_eq!(broker.summary.requests, 0, "and the request waits");
}

#[tokio::test]
async fn a_closed_backend_ends_the_broker_even_if_requests_wait() {
    let (mut broker, frontend, backend) = broker().await;
    let _worker = connected(&backend);
    wait_worker(&mut broker).await;
    let _client = connected_with_request(&broker, &frontend).await;
    let backend = broker.backend.clone();
    let (_, ()) = tokio::join!(backend.close(Duration::from_secs(10)), broker.forward());
    assert!(broker.summary.requests <= 1);
}

/// Returns a large request: four of this size fill the queue of a worker.
fn large(n: usize) -> String {
    n.to_string() + &" ".repeat(SLB_QUEUE_BYTES / 4)
}

/// Returns a REP worker that announces a capacity, with an inbox of one message.
fn slow_reader(endpoint: &Endpoint, capacity: &str) -> Rep {
    let options = Options::default().recv_hwm(1).property(CAPACITY, capacity);
    let worker = Rep::with_options(options);
    worker.connect(endpoint.clone()).unwrap();
    worker
}

#[tokio::test]
async fn requests_without_room_at_a_full_worker_are_not_in_flight_and_are_sent_later_in_order() {
    const REQUESTS: usize = 16;
    let (mut broker, frontend, backend) = broker().await;
    let worker = slow_reader(&backend, "1000");
    wait_worker(&mut broker).await;
    let client = connected(&frontend);
    let full = CancellationToken::new();
    let serve = async {
        full.cancelled().await;
        for n in 0..REQUESTS {
            let request = worker.recv().await.unwrap();
            assert_eq!(request.message().text(0), large(n));
            request.reply("done").unwrap();
        }
    };
    let ask = async {
        for n in 0..REQUESTS {
            client.send([String::new(), large(n)]).await.unwrap();
        }
    };
    let forward = async {
        while broker.summary.replies < REQUESTS as u64 {
            assert!(broker.wait_ready().await);
            while broker.process_ready() {}
            if !broker.workers.full_workers().is_empty() {
                full.cancel();
            }
            assert_eq!(broker.rep.len(), broker.workers.in_flight(), "each token is of a request in flight");
        }
    };
    let all = async { tokio::join!(ask, serve, forward) };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all are served");
}

#[tokio::test]
async fn requeued_requests_are_sent_in_the_order_in_which_they_were_requeued() {
    let (mut broker, ..) = broker().await;
    let client = PeerId::default();
    broker.requeue(vec![(client, "3".into()), (client, "4".into())]);
    broker.requeue(vec![(client, "1".into()), (client, "2".into())]);
    let order: Vec<_> = broker.requeued.iter().map(|(_, request)| request.text(0).into_owned()).collect();
    assert_eq!(order, ["1", "2", "3", "4"], "what comes back last was handed over first");
}

#[tokio::test]
async fn an_announced_capacity_is_the_credit_and_a_wrong_one_is_ignored() {
    let values =
        ["1", "16", "65535", "", "0", "65536", "-1", "+5", " 5", "5.0", "ten", "99999999999999999999"];
    for (value, credit) in values.into_iter().zip([1, 16, 65_535].into_iter().chain(std::iter::repeat(1))) {
        let (mut broker, _, backend) = broker().await;
        let _worker = slow_reader(&backend, value);
        wait_worker(&mut broker).await;
        assert_eq!(broker.workers.credit(), credit, "{value:?}");
    }
}

/// Returns the ids of `N` peers that no socket knows.
pub(super) fn unknown_peers<const N: usize>() -> [PeerId; N] {
    let mut ids = slotmap::SlotMap::<PeerId, ()>::with_key();
    std::array::from_fn(|_| ids.insert(()))
}

#[tokio::test]
async fn requests_of_departed_clients_are_counted_as_abandoned() {
    let (mut broker, ..) = broker().await;
    let [worker, client] = unknown_peers();
    broker.workers.join(worker, WorkerKind::Raw, None);
    let requests: Batch = ["1", "2"].map(Message::from).into_iter().collect();
    let to = Assignment { worker, kind: WorkerKind::Raw, burst: 2, first_sequence: Default::default() };
    for abandoned in [2, 4] {
        broker.stage(client, &requests, requests.spans(), to);
        assert_eq!(broker.summary.abandoned, abandoned);
    }
    broker.summary.requests = 2;
    let unsent = ["1", "2"].map(|body| Message::from(["departed", "", body]));
    broker.handle_left(worker, vec![unsent.into_iter().collect()]);
    assert_eq!((broker.summary.abandoned, broker.summary.requests), (6, 0));
}

#[tokio::test]
async fn only_the_requests_of_the_departed_worker_are_lost() {
    let (mut broker, ..) = broker().await;
    let [left, stays, client] = unknown_peers();
    for (worker, kind) in [(left, WorkerKind::Raw), (stays, WorkerKind::Rep)] {
        broker.workers.join(worker, kind, None);
    }
    for worker in [left, left, stays] {
        broker.rep.insert(RepRequest { client, worker, sequence: Default::default() });
    }
    broker.raw.any_answered = true;
    broker.raw.insert(left, client);
    assert_eq!(broker.count_pending(), (4, 0));
    broker.handle_left(left, Vec::new());
    assert_eq!((broker.summary.lost, broker.count_pending()), (3, (1, 0)));
}

#[tokio::test]
async fn a_client_is_busy_while_its_request_waits_or_may_be_answered() {
    let (mut broker, ..) = broker().await;
    let [worker, asks, waits, publishes] = unknown_peers();
    broker.rep.insert(RepRequest { client: asks, worker, sequence: Default::default() });
    broker.requeue(vec![(waits, "request".into())]);
    broker.raw.insert(worker, publishes);
    let all = [asks, waits, publishes].into_iter().collect();
    assert_eq!(broker.busy_clients(true), all);
    assert_eq!(broker.busy_clients(false), [asks, waits].into_iter().collect(), "no raw worker ever answers");
    broker.raw.any_answered = true;
    assert_eq!(broker.busy_clients(false), all);
}
