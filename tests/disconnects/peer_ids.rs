//! Peer ids: an id stays valid while a message of its peer can be received, and is never reused.

use enfonet::error::SendError;
use enfonet::{Message, Options, Router};
use enfonet_tests::{Runtime, Script, ScriptListener, message, text};

#[test]
fn messages_of_peers_that_left_are_received_after_their_successors_connect() {
    let runtime = Runtime::new();
    let router = Router::new();
    let at = runtime.bind(&router);
    for name in ["first", "second"] {
        let mut fleeting = Script::join(&at, "DEALER", 1);
        fleeting.send(&message(&[name]));
        fleeting.leave();
    }
    let mut last = Script::join(&at, "DEALER", 1);
    last.send(&message(&["last"]));
    last.settle();
    let received = [(); 3].map(|()| runtime.run(router.recv()).unwrap());
    let [(first, _), (second, _), (present, _)] = received;
    assert_eq!(received.map(|(_, message)| message), ["first", "second", "last"].map(Message::from));
    assert!(first != second && second != present && present != first);
    for gone in [first, second] {
        assert_eq!(router.try_send_to(gone, "x"), Err(SendError::UnknownPeer("x".into())));
    }
    router.try_send_to(present, "reply").unwrap();
    last.expect(&message(&["reply"]));
}

#[test]
fn the_id_of_a_peer_that_a_router_connects_to_ends_with_the_connection() {
    let runtime = Runtime::new();
    let (listener, at) = ScriptListener::bind();
    let router = Router::with_options(Options::default().reconnect_interval(std::time::Duration::ZERO));
    let _guard = runtime.enter();
    router.connect(&at[..]).unwrap();
    let mut first = listener.accept();
    first.handshake("DEALER", 1);
    first.send(&message(&["hello"]));
    let (gone, _) = runtime.run(router.recv()).unwrap();
    first.leave();

    let secret = || Message::from("secret of the first");
    assert_eq!(router.try_send_to(gone, secret()), Err(SendError::UnknownPeer(secret())));
    assert_eq!(runtime.run(router.send_to(gone, secret())), Err(SendError::UnknownPeer(secret())));
    assert_eq!(router.identity(gone), None);

    let mut second = listener.accept();
    second.handshake("DEALER", 1);
    second.send(&message(&["hello"]));
    let (present, _) = runtime.run(router.recv()).unwrap();
    assert_ne!(present, gone);
    assert_eq!(router.try_send_to(gone, secret()), Err(SendError::UnknownPeer(secret())));
    router.try_send_to(present, "for the second").unwrap();
    assert_eq!(text(&second.message()), ["for the second"]);
}
