//! Requests that are resent after a timeout, in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use enfonet::error::{RecvError, RequestError, SendError};
use enfonet::peer::PeerId;
use enfonet::{Context, Message, Options, Req, Router};
use tokio::time::Instant;

mod support;

use support::within_a_day;

const LIMIT: Duration = Duration::from_secs(10);

struct World {
    context: Context,
    req: Req,
}

impl World {
    fn new(options: impl FnOnce(Options<Req>) -> Options<Req>) -> Self {
        let context = Context::new();
        let req = options(Req::builder().context(&context)).build();
        Self { context, req }
    }

    /// Connects to an inproc name that isn't bound yet.
    fn connect(&self, name: &str) {
        self.req.connect(name).unwrap();
    }

    async fn server(&self, name: &str) -> Router {
        let router = Router::with_options(Options::default().context(&self.context));
        router.bind(name).await.unwrap();
        router
    }
}

/// Returns the next request: its peer, its id, and its body.
async fn request(router: &Router) -> (PeerId, Message, String) {
    let (peer, request) = within_a_day(router.recv()).await.unwrap();
    let (_, body) = request.clone().split_envelope().unwrap();
    (peer, request, String::from_utf8(body.first().to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_request_is_retried_at_the_next_server_and_any_server_may_reply() {
    let world = World::new(|options| options.retries(2).reply_timeout(LIMIT));
    let mut servers = Vec::new();
    for name in ["inproc://a", "inproc://b", "inproc://c"] {
        servers.push(world.server(name).await);
        world.connect(name);
    }
    for replying in [0, 1, 2] {
        let start = Instant::now();
        let serve = async {
            let mut requests = Vec::new();
            for n in 0..3 {
                // Servers take turns over this request and the previous ones.
                let server = &servers[n % 3];
                requests.push(request(server).await);
                assert_eq!(start.elapsed().as_secs(), 10 * n as u64);
            }
            let wire = |n: usize| requests[n].1.clone();
            assert!(wire(0) == wire(1) && wire(1) == wire(2), "with the same number");
            servers[replying].send_to(requests[replying].0, wire(replying)).await.unwrap();
        };
        let (reply, ()) = tokio::join!(within_a_day(world.req.request("q")), serve);
        assert_eq!(reply, Ok("q".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_any_reply_times_out_and_the_next_request_can_be_sent() {
    for retries in [0, 3] {
        let world = World::new(|options| options.retries(retries).reply_timeout(LIMIT));
        let server = world.server("inproc://silent").await;
        world.connect("inproc://silent");
        for n in 0..3 {
            let start = Instant::now();
            let failed = Err(RequestError::NoReply { attempts: retries + 1 });
            assert_eq!(within_a_day(world.req.request(n.to_string())).await, failed);
            assert_eq!(start.elapsed(), LIMIT * (u32::try_from(retries).unwrap() + 1));
            // The server receives each attempt.
            let mut late = Vec::new();
            for _ in 0..=retries {
                late.push(request(&server).await);
            }
            for (peer, wire, text) in late {
                assert_eq!(text, n.to_string());
                server.send_to(peer, wire).await.unwrap();
            }
        }
        let serve = async {
            let (peer, wire, _) = request(&server).await;
            server.send_to(peer, wire).await.unwrap();
        };
        let (reply, ()) = tokio::join!(within_a_day(world.req.request("last")), serve);
        assert_eq!(reply, Ok("last".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_abandoned_before_its_server_connects_is_not_sent() {
    let world = World::new(|options| options.retries(2).reply_timeout(LIMIT));
    let failed = Err(RequestError::NoReply { attempts: 3 });
    let start = Instant::now();
    assert_eq!(within_a_day(world.req.request("to nobody at all")).await, failed);
    assert_eq!(start.elapsed(), 3 * LIMIT);
    world.connect("inproc://late");
    for n in 0..5 {
        assert_eq!(within_a_day(world.req.request(n.to_string())).await, failed);
    }
    let (server, asking) = (world.server("inproc://late"), world.req.request("the only one"));
    let serve = async {
        let server = server.await;
        let (peer, wire, text) = request(&server).await;
        assert_eq!(text, "the only one");
        server.send_to(peer, wire).await.unwrap();
        server
    };
    let (reply, server) = tokio::join!(within_a_day(asking), serve);
    assert_eq!(reply, Ok("the only one".into()));
    assert!(server.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_request_is_retried_at_once_when_its_server_disconnects() {
    let world =
        World::new(|options| options.retries(1).reply_timeout(LIMIT).reconnect_interval(1000 * LIMIT));
    let [first, second] = [world.server("inproc://a").await, world.server("inproc://b").await];
    ["inproc://a", "inproc://b"].iter().for_each(|name| world.connect(name));
    let start = Instant::now();
    let serve = async {
        request(&first).await;
        first.close(Duration::ZERO).await;
        let (peer, wire, _) = request(&second).await;
        second.send_to(peer, wire).await.unwrap();
    };
    let (reply, ()) = tokio::join!(within_a_day(world.req.request("q")), serve);
    assert_eq!(reply, Ok("q".into()));
    assert!(start.elapsed() < LIMIT);
}

#[tokio::test(start_paused = true)]
async fn send_and_receive_timeouts_are_independent_and_a_late_reply_is_still_received() {
    let world = World::new(|options| options.send_timeout(LIMIT).recv_timeout(2 * LIMIT));
    let start = Instant::now();
    assert_eq!(within_a_day(world.req.send("to nobody")).await, Err(SendError::Timeout("to nobody".into())));
    assert_eq!(start.elapsed(), LIMIT);
    let server = world.server("inproc://slow").await;
    world.connect("inproc://slow");
    within_a_day(world.req.send("q")).await.unwrap();
    let (peer, wire, _) = request(&server).await;
    let start = Instant::now();
    assert_eq!(within_a_day(world.req.recv()).await, Err(RecvError::Timeout));
    assert_eq!(start.elapsed(), 2 * LIMIT);
    assert_eq!(within_a_day(world.req.send("early")).await, Err(SendError::ReplyPending("early".into())));
    server.send_to(peer, wire).await.unwrap();
    assert_eq!(within_a_day(world.req.recv()).await, Ok("q".into()));
}

#[tokio::test(start_paused = true)]
async fn a_request_in_flight_when_the_socket_is_closed_is_sent_within_the_linger_or_counted_as_dropped() {
    for comes in [true, false] {
        let world = World::new(|options| options);
        world.connect("inproc://late");
        let requesting = tokio::spawn({
            let req = world.req.clone();
            async move { req.request("x").await }
        });
        let serving = async {
            assert_eq!(requesting.await.unwrap(), Err(RequestError::Recv(RecvError::Closed)));
            if comes {
                assert_eq!(request(&world.server("inproc://late").await).await.2, "x");
            }
        };
        tokio::task::yield_now().await;
        let (closing, ()) = tokio::join!(world.req.close(LIMIT), serving);
        assert_eq!((closing.flushed, closing.dropped), if comes { (1, 0) } else { (0, 1) });
    }
}
