//! Handover of an identity between connections of the same user, and its theft by another user.

use enfonet::auth::{PlainUsers, Security};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Options, Router};
use enfonet_tests::{DEADLINE, PySocket, PyZmq, Runtime, frames};

use crate::setup::{ANYWHERE, login};

/// Returns a ROUTER that knows Ada and Eve, and where a user takes over its own identities.
fn router(runtime: &Runtime) -> (Router, String) {
    let users = PlainUsers::new().user("ada", "a").user("eve", "e").user("", "");
    let options = Options::default().security(Security::PlainServer).authenticator(users);
    let router = Router::with_options(options.handover_to_same_user(true));
    let at = runtime.run(router.bind(ANYWHERE)).unwrap().to_string();
    (router, at)
}

/// Returns a DEALER of a user that doesn't connect again, with the identity `X`.
fn dealer(user: &'static str, at: &str) -> Dealer {
    let password = user.get(..1).unwrap_or_default();
    let options = Options::default().security(login(user, password)).identity("X");
    let dealer = Dealer::with_options(options.reconnect_interval(DEADLINE));
    dealer.connect(at).unwrap();
    dealer
}

fn py_dealer(py: &PyZmq, user: &str, at: &str) -> PySocket {
    let password = user.get(..1).unwrap_or_default();
    let dealer = py.socket("DEALER").plain(user, password).option("routing_id", "X");
    dealer.connect(at);
    dealer
}

/// Asserts that the peer with the identity `X` gets and sends messages.
#[track_caller]
fn assert_works(runtime: &Runtime, router: &Router, dealer: &Dealer) {
    runtime.run(dealer.send("here")).unwrap();
    assert_eq!(runtime.run(router.recv_routed()), Ok(["X", "here"].into()));
    runtime.run(router.send_routed(["X", "yours"])).unwrap();
    assert_eq!(runtime.run(dealer.recv()), Ok("yours".into()));
}

#[test]
fn another_user_is_rejected_and_the_owner_of_the_identity_goes_on() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    let (router, at) = router(&runtime);
    let owner = dealer("ada", &at);
    assert_works(&runtime, &router, &owner);
    let mut monitor = router.monitor();
    let mut rejection = || loop {
        if let MonitorEvent::HandshakeFailed { error, .. } = runtime.run(monitor.recv()).unwrap() {
            return error.to_string();
        }
    };
    let ours = [dealer("eve", &at), dealer("", &at)];
    for _ in &ours {
        assert_eq!(rejection(), "another peer with the same identity is connected");
    }
    let pyzmqs = py_dealer(&py, "eve", &at);
    pyzmqs.send(&["forged"]);
    assert_eq!(rejection(), "another peer with the same identity is connected");
    assert_works(&runtime, &router, &owner);
}

#[test]
fn the_same_user_takes_over_its_identity_and_the_old_connection_ends() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    let (router, at) = router(&runtime);
    let old = dealer("ada", &at);
    assert_works(&runtime, &router, &old);
    let mut monitor = router.monitor();
    let new = dealer("ada", &at);
    assert_works(&runtime, &router, &new);
    let reason = loop {
        if let MonitorEvent::Disconnected { reason, .. } = runtime.run(monitor.recv()).unwrap() {
            break reason.to_string();
        }
    };
    assert_eq!(reason, "another peer took over the identity");
    let newest = py_dealer(&py, "ada", &at);
    newest.send(&["pyzmq"]);
    assert_eq!(runtime.run(router.recv_routed()), Ok(["X", "pyzmq"].into()));
    runtime.run(router.send_routed(["X", "yours"])).unwrap();
    assert_eq!(newest.recv(), frames(["yours"]));
}

#[test]
fn users_without_a_name_take_over_no_identity() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (router, at) = router(&runtime);
    let first = dealer("", &at);
    assert_works(&runtime, &router, &first);
    let mut monitor = router.monitor();
    let _second = dealer("", &at);
    while !matches!(runtime.run(monitor.recv()).unwrap(), MonitorEvent::HandshakeFailed { .. }) {}
    assert_works(&runtime, &router, &first);
}
