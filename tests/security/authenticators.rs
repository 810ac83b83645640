//! Authenticators: the requests that they get, and peers and sockets while they decide.

use std::sync::Arc;
use std::time::Duration;

use enfonet::auth::{AuthRequest, Credentials, DenyReason, PlainCredentials, Security, User, Verdict};
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Options, Router};
use enfonet_tests::{DEADLINE, Runtime, Script, greeting, greeting_of, ready, wildcard};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, oneshot};

use crate::setup::{ANYWHERE, MECHANISMS, Mechanism, Role, Setup, login};

/// Channel for the verdict on one peer; dropping it denies the peer.
type Pending = (AuthRequest, oneshot::Sender<Verdict>);

/// Returns an authenticator that leaves the decision to the test.
fn delegating() -> (Options, UnboundedReceiver<Pending>) {
    let (asked, pending) = unbounded_channel();
    let options = Options::default().authenticator(move |request| {
        let (verdict, decided) = oneshot::channel();
        asked.send((request, verdict)).expect("the test is there");
        async { decided.await.unwrap_or(Verdict::Deny(DenyReason::Credentials)) }
    });
    (options, pending)
}

/// Returns a bound DEALER of ours.
fn dealer(runtime: &Runtime, options: impl Into<Options<Dealer>>, endpoint: &str) -> (Dealer, String) {
    let dealer = Dealer::with_options(options);
    let at = runtime.run(dealer.bind(endpoint)).unwrap().to_string();
    (dealer, at)
}

fn hello(username: &str) -> Vec<u8> {
    let body = [&b"\x05HELLO"[..], &[username.len() as u8], username.as_bytes(), b"\0"].concat();
    [greeting_of("PLAIN", false), vec![4, body.len() as u8], body].concat()
}

/// Returns a PLAIN client that has sent its HELLO.
fn knock(at: &str, username: &str) -> Script {
    let mut client = Script::connect(at);
    client.send(&hello(username));
    client.expect(&greeting_of("PLAIN", true));
    client
}

#[test]
fn an_auth_request_carries_the_credentials_the_address_and_the_endpoint() {
    use std::os::unix::fs::MetadataExt;
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let me = std::fs::metadata("/proc/self").unwrap();
    let process = format!(":{}:{}:{}", me.uid(), me.gid(), std::process::id());
    let mut ends = vec![(Security::Null, Security::Null, Credentials::Null)];
    for mechanism in MECHANISMS {
        let [server, client] = [Role::Server, Role::Client].map(|role| setup.security(mechanism, role));
        ends.push((
            server,
            client,
            match mechanism {
                Mechanism::Plain => Credentials::Plain(PlainCredentials::new("admin", "secret").unwrap()),
                Mechanism::Curve => Credentials::Curve(*setup.client.public()),
            },
        ));
    }
    for (server, client, credentials) in ends {
        for (transport, address) in [("tcp", "127.0.0.1"), ("ipc", &process)] {
            let (options, mut pending) = delegating();
            let options = options.security(server.clone()).domain("global").identity("server");
            let (_folder, endpoint) = wildcard(transport);
            let (_dealer, at) = dealer(&setup.runtime, options, &endpoint);
            let peer = Dealer::with_options(Options::default().security(client.clone()).identity("client"));
            peer.connect(&at[..]).unwrap();
            let (request, _) = setup.runtime.run(pending.recv()).unwrap();
            assert_eq!(request.credentials, credentials);
            assert_eq!((&request.domain[..], &request.address[..]), ("global", address));
            assert_eq!(request.identity, "server");
        }
    }
}

#[test]
fn over_ipc_an_auth_request_carries_the_process_and_user_ids() {
    let setup = Setup::new();
    let (options, mut pending) = delegating();
    let (_folder, endpoint) = wildcard("ipc");
    let (_dealer, at) = dealer(&setup.runtime, options, &endpoint);
    let py = setup.py.socket("DEALER");
    py.connect(&at);
    let (request, _) = setup.runtime.run(pending.recv()).unwrap();
    let ids: Vec<&str> = request.address.split(':').collect();
    let [_, _, _, pid] = ids[..] else { panic!("{request:?}") };
    assert!(pid != std::process::id().to_string() && pid.parse::<u32>().is_ok_and(|pid| pid > 1), "{pid}");
}

#[test]
fn a_slow_decision_delays_no_other_peer() {
    let runtime = Runtime::new();
    let (options, mut pending) = delegating();
    let (_dealer, at) = dealer(&runtime, options.security(Security::PlainServer), ANYWHERE);
    let mut slow = knock(&at, "slow");
    let (_, decide) = runtime.run(pending.recv()).unwrap();
    for _ in 0..10 {
        let mut quick = knock(&at, "quick");
        runtime.run(pending.recv()).unwrap().1.send(Verdict::allow()).unwrap();
        quick.expect(b"\x04\x08\x07WELCOME");
    }
    decide.send(Verdict::allow()).unwrap();
    slow.expect(b"\x04\x08\x07WELCOME");
}

/// Waits until the decision is no longer awaited, which closes its channel.
fn is_dropped(runtime: &Runtime, mut decide: oneshot::Sender<Verdict>) {
    runtime.run(decide.closed());
}

#[test]
fn a_decision_ends_with_its_peer() {
    let (runtime, setup) = (Runtime::new(), Setup::new());
    let _guard = runtime.enter();
    // With NULL the peer may have sent READY.
    let through = [greeting(1), ready(&[("Socket-Type", b"DEALER")])].concat();
    for (security, said) in
        [(Security::PlainServer, hello("x")), (Security::Null, greeting(1)), (Security::Null, through)]
    {
        let (options, mut pending) = delegating();
        let (_dealer, at) = dealer(&runtime, options.security(security), ANYWHERE);
        let mut client = Script::connect(&at);
        client.send(&said);
        let (_, decide) = runtime.run(pending.recv()).unwrap();
        drop(client);
        is_dropped(&runtime, decide);
    }
    let (options, mut pending) = delegating();
    let security = setup.security(Mechanism::Curve, Role::Server);
    let (_dealer, at) = dealer(&runtime, options.security(security), ANYWHERE);
    let client = setup.secured("DEALER", Mechanism::Curve, Role::Client);
    client.connect(&at);
    let (_, decide) = runtime.run(pending.recv()).unwrap();
    drop(client);
    is_dropped(&runtime, decide);
}

#[test]
fn a_pending_decision_ends_with_the_handshake_timeout() {
    let runtime = Runtime::new();
    let (options, mut pending) = delegating();
    let options = options.security(Security::PlainServer).handshake_timeout(Duration::from_millis(50));
    let (_dealer, at) = dealer(&runtime, options, ANYWHERE);
    let mut client = knock(&at, "x");
    let (_, decide) = runtime.run(pending.recv()).unwrap();
    assert_eq!(client.expect_close(), b"");
    is_dropped(&runtime, decide);
}

#[test]
fn a_decision_ends_with_its_socket() {
    let runtime = Runtime::new();
    let (options, mut pending) = delegating();
    let (dealer, at) = dealer(&runtime, options.security(Security::PlainServer), ANYWHERE);
    let mut client = knock(&at, "x");
    let (_, decide) = runtime.run(pending.recv()).unwrap();
    runtime.run(dealer.close(Duration::ZERO));
    assert_eq!(client.expect_close(), b"");
    is_dropped(&runtime, decide);
}

#[test]
fn a_peer_that_sends_on_during_the_decision_is_rejected() {
    let runtime = Runtime::new();
    let (options, mut pending) = delegating();
    let (_dealer, at) = dealer(&runtime, options.security(Security::PlainServer), ANYWHERE);
    let initiate = b"\x04\x09\x08INITIATE";
    let mut client = knock(&at, "x");
    let (_, decide) = runtime.run(pending.recv()).unwrap();
    client.send(initiate);
    assert_eq!(client.expect_close(), b"");
    is_dropped(&runtime, decide);
    // A client that sends on at once causes no request to the authenticator.
    let mut client = Script::connect(&at);
    client.send(&[&hello("x"), &initiate[..]].concat());
    client.expect(&greeting_of("PLAIN", true));
    assert_eq!(client.expect_close(), b"");
    assert!(pending.try_recv().is_err());
}

#[test]
fn with_null_both_ends_authenticate_and_each_may_reject() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for refused_by in [None, Some(0), Some(1)] {
        let [(bound, mut theirs), (connecting, mut others)] = [delegating(), delegating()];
        let (bound, at) = dealer(&runtime, Options::<Dealer>::from(bound).peer_events(true), ANYWHERE);
        let once = connecting.reconnect_interval(DEADLINE).rejected_reconnect_interval(DEADLINE);
        let connecting = Options::<Dealer>::from(once).peer_events(true).build();
        connecting.connect(&at[..]).unwrap();
        for (end, pending) in [&mut theirs, &mut others].into_iter().enumerate() {
            let (request, decide) = runtime.run(pending.recv()).unwrap();
            assert_eq!((request.credentials, &request.address[..]), (Credentials::Null, "127.0.0.1"));
            if refused_by != Some(end) {
                // The other end may have rejected the peer already, and closed.
                let _ = decide.send(Verdict::Allow(User::named(["bound", "connecting"][end])));
            }
        }
        if refused_by.is_none() {
            for (end, user) in [(&bound, "bound"), (&connecting, "connecting")] {
                let event = runtime.run(end.recv_event(1)).unwrap();
                let PeerEvent::Joined { info, .. } = event else { panic!("{event:?}") };
                assert_eq!(info.user.id, user);
            }
        } else {
            // The first peer that joins is the one that both ends admit.
            let other = Dealer::new();
            other.connect(&at[..]).unwrap();
            runtime.run(theirs.recv()).unwrap().1.send(Verdict::Allow(User::named("other"))).unwrap();
            let event = runtime.run(bound.recv_event(1)).unwrap();
            let PeerEvent::Joined { info, .. } = event else { panic!("{event:?}") };
            assert_eq!(info.user.id, "other");
        }
    }
}

#[test]
fn many_decisions_run_concurrently() {
    let runtime = Runtime::new();
    let gate = Arc::new(Notify::new());
    let (asked, mut requests) = unbounded_channel();
    let opened = gate.clone();
    let options =
        Options::default().security(Security::PlainServer).authenticator(move |request: AuthRequest| {
            let (opened, asked) = (opened.clone(), asked.clone());
            async move {
                let opening = opened.notified();
                let _ = asked.send(request);
                opening.await;
                Verdict::allow()
            }
        });
    let router = Router::with_options(options);
    let at = runtime.bind(&router);
    let mut clients: Vec<_> = (0..100).map(|_| knock(&at, "x")).collect();
    (0..100).for_each(|_| drop(runtime.run(requests.recv()).unwrap()));
    gate.notify_waiters();
    clients.iter_mut().for_each(|client| client.expect(b"\x04\x08\x07WELCOME"));
}

#[test]
fn a_client_does_not_authenticate_its_server() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (options, mut pending) = delegating();
    let (server, at) = {
        let options =
            Options::default().security(Security::PlainServer).authenticator(async |_| Verdict::allow());
        dealer(&runtime, options, ANYWHERE)
    };
    let client = Dealer::with_options(options.security(login("a", "b")));
    client.connect(&at[..]).unwrap();
    client.try_send("hello").unwrap();
    assert_eq!(runtime.run(server.recv()), Ok("hello".into()));
    assert!(pending.try_recv().is_err());
}
