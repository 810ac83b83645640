//! Send and receive timeouts, and the linger. Virtual time: a day passes at once.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use enfonet::error::{RecvError, SendError};
use enfonet::monitor::MonitorEvent;
use enfonet::peer::PeerId;
use enfonet::socket::XPubEvent;
use enfonet::{Context, Dealer, Options, Pair, Pull, Push, Rep, Router, Sub, XPub};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

mod support;

use support::{DAY, within_a_day, yield_to_others};

const LIMITS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(250), Duration::from_secs(10)];
const SECOND: Duration = Duration::from_secs(1);
const AT: &str = "inproc://name";

fn options() -> Options {
    Options::default().context(&Context::new())
}

#[tokio::test(start_paused = true)]
async fn a_send_timeout_returns_the_message() {
    for limit in LIMITS {
        let options = options().send_timeout(limit).send_hwm(1);
        let (push, dealer, pair) = (
            Push::with_options(options.clone()),
            Dealer::with_options(options.clone()),
            Pair::with_options(options),
        );
        // First without a peer, then with a full queue.
        for sent in [0, 1] {
            for _ in 0..sent {
                push.connect(AT).unwrap();
                dealer.connect(AT).unwrap();
                pair.connect(AT).unwrap();
                push.send("first").await.unwrap();
                dealer.send("first").await.unwrap();
                pair.send("first").await.unwrap();
            }
            let start = Instant::now();
            let message = || ["no", "room"].into();
            assert_eq!(within_a_day(push.send(message())).await, Err(SendError::Timeout(message())));
            assert_eq!(start.elapsed(), limit);
            assert_eq!(within_a_day(dealer.send(message())).await, Err(SendError::Timeout(message())));
            assert_eq!(within_a_day(pair.send(message())).await, Err(SendError::Timeout(message())));
            assert_eq!(start.elapsed(), 3 * limit);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_timeouts_send_and_recv_wait_for_ever() {
    let (push, pull) = (Push::with_options(options()), Pull::with_options(options()));
    assert!(timeout(DAY, push.send("nobody's")).await.is_err());
    assert!(timeout(DAY, pull.recv()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn timeouts_do_not_affect_calls_that_need_not_wait() {
    for limit in LIMITS {
        let options = options().send_timeout(limit).recv_timeout(limit);
        let (one, other) = (Pair::with_options(options.clone()), Pair::with_options(options));
        one.bind(AT).await.unwrap();
        other.connect(AT).unwrap();
        one.wait_connected(1).await;
        let start = Instant::now();
        for n in 0..100 {
            one.send(n.to_string()).await.unwrap();
            yield_to_others().await;
            assert_eq!(within_a_day(other.recv()).await, Ok(n.to_string().into()));
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

/// Returns a ROUTER's peer with a full queue, and the peer's socket.
async fn full(router: &Router, options: &Options) -> (PeerId, Dealer) {
    let full = Dealer::with_options(options.clone().identity("full").recv_hwm(1));
    full.connect(AT).unwrap();
    router.wait_connected(1).await;
    let peer = router.find(b"full").unwrap();
    while router.try_send_to(peer, "x").is_ok() {
        yield_to_others().await;
    }
    (peer, full)
}

#[tokio::test(start_paused = true)]
async fn a_send_timeout_does_not_restart_when_peers_connect() {
    let options = options();
    let router = Router::with_options(options.clone().send_hwm(1).send_timeout(10 * SECOND));
    router.bind(AT).await.unwrap();
    let (peer, _full) = full(&router, &options).await;
    let comings = async {
        let mut others = Vec::new();
        for _ in 0..20 {
            sleep(SECOND).await;
            let other = Dealer::with_options(options.clone());
            other.connect(AT).unwrap();
            others.push(other);
        }
        drop((sleep(DAY).await, others));
    };
    let start = Instant::now();
    tokio::select! {
        sent = router.send_to(peer, "y") => assert_eq!(sent, Err(SendError::Timeout("y".into()))),
        () = comings => unreachable!(),
    }
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_mandatory_router_waits_for_room_and_a_default_router_drops() {
    for mandatory in [true, false] {
        let options = options();
        let limited: Options<Router> = options.clone().send_hwm(1).send_timeout(10 * SECOND).into();
        let router = limited.mandatory(mandatory).build();
        router.bind(AT).await.unwrap();
        let (peer, full) = full(&router, &options).await;
        let start = Instant::now();
        let sent = router.send_routed(["full", "y"]).await;
        if mandatory {
            assert_eq!(sent, Err(SendError::Timeout(["full", "y"].into())));
            assert_eq!(start.elapsed(), 10 * SECOND);
            let receive = async {
                sleep(5 * SECOND).await;
                while within_a_day(full.recv()).await != Ok("z".into()) {}
            };
            let (sent, ()) = tokio::join!(router.send_routed(["full", "z"]), receive);
            assert_eq!((sent, start.elapsed()), (Ok(()), 15 * SECOND));
        } else {
            assert_eq!((sent, start.elapsed()), (Ok(()), Duration::ZERO));
            assert_eq!(router.peers()[0].dropped, 1);
        }
        assert!(router.peer(peer).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_receive_ends_with_its_timeout() {
    for limit in LIMITS {
        let options = options().recv_timeout(limit);
        let (pull, rep) = (Pull::with_options(options.clone()), Rep::with_options(options.clone()));
        let (router, xpub) = (Router::with_options(options.clone()), XPub::with_options(options.clone()));
        let dealer = Dealer::with_options(options);
        let start = Instant::now();
        assert_eq!(within_a_day(pull.recv()).await, Err(RecvError::Timeout));
        assert_eq!(start.elapsed(), limit);
        assert!(matches!(within_a_day(rep.recv()).await, Err(RecvError::Timeout)));
        assert_eq!(within_a_day(router.recv()).await, Err(RecvError::Timeout));
        assert_eq!(within_a_day(xpub.recv()).await, Err(RecvError::Timeout));
        assert!(matches!(within_a_day(router.recv_event(1)).await, Err(RecvError::Timeout)));
        assert!(matches!(within_a_day(dealer.recv_event(1)).await, Err(RecvError::Timeout)));
        assert_eq!(start.elapsed(), 6 * limit);
    }
}

#[tokio::test(start_paused = true)]
async fn internal_events_do_not_prolong_a_receive_timeout() {
    let options = options();
    let limited = options.clone().recv_timeout(10 * SECOND);
    let (xpub, sub) = (XPub::with_options(options.clone()), Sub::with_options(limited.clone()));
    sub.subscribe("wanted");
    sub.connect(xpub.bind(AT).await.unwrap()).unwrap();
    let XPubEvent::Subscription { peer, .. } = within_a_day(xpub.recv()).await.unwrap() else { panic!() };
    let unwanted = async {
        for _ in 0..20 {
            sleep(SECOND).await;
            xpub.send_to(peer, "unasked for").await.unwrap();
        }
        sleep(DAY).await;
    };
    let start = Instant::now();
    tokio::select! {
        received = sub.recv() => assert_eq!(received, Err(RecvError::Timeout)),
        () = unwanted => unreachable!(),
    }
    assert_eq!(start.elapsed(), 10 * SECOND);

    let (rep, dealer) = (Rep::with_options(limited), Dealer::with_options(options));
    dealer.connect(rep.bind("inproc://rep").await.unwrap()).unwrap();
    let no_requests = async {
        for _ in 0..20 {
            sleep(SECOND).await;
            dealer.send("no request").await.unwrap();
        }
        sleep(DAY).await;
    };
    let start = Instant::now();
    tokio::select! {
        received = rep.recv() => assert!(matches!(received, Err(RecvError::Timeout))),
        () = no_requests => unreachable!(),
    }
    assert_eq!(start.elapsed(), 10 * SECOND);
}

/// Returns whether a message to an unbound PULL arrives if the PULL binds after the end of the PUSH.
async fn arrives(options: &Options, after: Duration, end: impl AsyncFnOnce(Push)) -> bool {
    let push = Push::with_options(options.clone());
    push.connect(AT).unwrap();
    push.send("waits").await.unwrap();
    end(push).await;
    sleep(after).await;
    yield_to_others().await;
    let pull = Pull::with_options(options.clone());
    pull.bind(AT).await.unwrap();
    timeout(DAY, pull.recv()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_dropped_socket_wait_for_the_linger_and_no_longer() {
    for linger in [SECOND, 30 * SECOND] {
        let options = || options().linger(linger);
        let nearly = linger - Duration::from_millis(10);
        assert!(arrives(&options(), nearly, async |push| drop(push)).await);
        assert!(!arrives(&options(), linger + Duration::from_millis(10), async |push| drop(push)).await);
    }
    let at_once = options().linger(Duration::ZERO);
    assert!(!arrives(&at_once, Duration::ZERO, async |push| drop(push)).await);
    assert!(arrives(&options(), 29 * SECOND, async |push| drop(push)).await, "it is 30 s by default");
    assert!(!arrives(&options(), 31 * SECOND, async |push| drop(push)).await);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_removed_endpoint_wait_for_the_linger_and_no_longer() {
    let options = || options().linger(10 * SECOND);
    for (after, comes) in [(9 * SECOND, true), (11 * SECOND, false)] {
        // The socket stays open.
        let mut kept = None;
        let disconnect = async |push: Push| {
            push.disconnect(AT).unwrap();
            kept = Some(push);
        };
        assert_eq!(arrives(&options(), after, disconnect).await, comes);
    }
}

#[tokio::test(start_paused = true)]
async fn close_and_shutdown_wait_for_the_given_time() {
    for linger in LIMITS {
        let context = Context::new();
        for shuts_down in [false, true] {
            let options = Options::default().context(&context).linger(DAY);
            let push = Push::with_options(options);
            push.connect("inproc://nobody").unwrap();
            push.send("unheard").await.unwrap();
            let start = Instant::now();
            let closing = if shuts_down { context.shutdown(linger).await } else { push.close(linger).await };
            assert_eq!((closing.flushed, closing.dropped), (0, 1));
            assert_eq!(start.elapsed(), linger);
        }
    }
}

/// Repeats failing attempts, and asserts that they yield to other tasks.
async fn in_vain<F: Future>(what: &str, attempt: impl Fn() -> F) {
    let others = tokio::spawn(async {});
    for _ in 0..10_000 {
        let _ = attempt().await;
        if others.is_finished() {
            return;
        }
    }
    panic!("{what}: others never have their turn");
}

#[tokio::test(start_paused = true)]
async fn failed_sends_and_reservations_yield_to_other_tasks() {
    let options = options();
    let (router, dealer) = (Router::with_options(options.clone()), Dealer::with_options(options.clone()));
    dealer.connect(router.bind(AT).await.unwrap()).unwrap();
    dealer.send("here").await.unwrap();
    let (gone, _) = within_a_day(router.recv()).await.unwrap();
    dealer.close(SECOND).await;
    while router.try_send_to(gone, "still there?").is_ok() {
        yield_now().await;
    }
    in_vain("send_to", || router.send_to(gone, "gone")).await;
    in_vain("reserve_to", || router.reserve_to(gone)).await;
    let push = Push::with_options(options);
    push.connect(AT).unwrap();
    in_vain("reserve", || push.reserve()).await;
    push.close(Duration::ZERO).await;
    in_vain("send", || push.send("closed")).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconnecting_pair_waits_at_most_one_second_for_its_old_connection() {
    for is_received in [true, false] {
        let options = options().send_hwm(1).recv_hwm(1);
        let (bound, connected) = (Pair::with_options(options.clone()), Pair::with_options(options));
        bound.bind(AT).await.unwrap();
        connected.connect(AT).unwrap();
        connected.wait_connected(1).await;
        for text in ["with the peer", "waits"] {
            connected.send(text).await.unwrap();
        }
        let mut monitor = connected.monitor();
        connected.disconnect(AT).unwrap();
        connected.connect(AT).unwrap();
        yield_to_others().await;
        let start = Instant::now();
        if is_received {
            bound.recv().await.unwrap();
            bound.recv().await.unwrap();
        }
        while !matches!(within_a_day(monitor.recv()).await.unwrap(), MonitorEvent::Connecting { .. }) {}
        assert_eq!(start.elapsed(), if is_received { Duration::ZERO } else { SECOND });
    }
}
