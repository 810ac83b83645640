//! Cancelled closes, and sockets that are dropped outside their runtime.

use std::time::Duration;

use enfonet::{Dealer, Options, Push};
use enfonet_tests::{Runtime, Script, ScriptListener, message};

use crate::begin;

/// Returns a socket with a queued message, and a peer that never does the handshake.
fn unsendable(runtime: &Runtime, listener: &ScriptListener, at: &str, linger: Duration) -> (Dealer, Script) {
    let forever = Duration::from_secs(3600);
    let dealer = Dealer::with_options(Options::default().linger(linger).handshake_timeout(forever));
    dealer.connect(at).unwrap();
    runtime.run(dealer.send("unsent")).unwrap();
    (dealer, listener.accept())
}

#[test]
fn a_socket_that_is_dropped_after_a_cancelled_close_ends_after_its_linger() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    for linger in [0, 10].map(Duration::from_millis) {
        let (dealer, mut peer) = unsendable(&runtime, &listener, &at, linger);
        let close = runtime.run(begin(dealer.close(Duration::from_secs(3600))));
        assert_eq!(close, None, "there is something to send");
        drop(dealer);
        peer.expect_close();
    }
}

#[test]
fn a_close_after_a_cancelled_close_counts_unsent_messages() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let (dealer, mut peer) = unsendable(&runtime, &listener, &at, Duration::from_secs(3600));
    assert_eq!(runtime.run(begin(dealer.close(Duration::from_secs(3600)))), None);
    assert_eq!(runtime.run(dealer.close(Duration::ZERO)).dropped, 1);
    peer.expect_close();
}

#[test]
fn queued_messages_are_sent_when_the_socket_is_dropped_or_disconnected_outside_its_runtime() {
    for drops in [true, false] {
        let runtime = Runtime::new();
        let (listener, at) = ScriptListener::bind();
        let push = Push::new();
        runtime.run(async {
            push.connect(&at[..]).unwrap();
            push.send("waits").await.unwrap();
        });
        if drops {
            drop(push);
        } else {
            push.disconnect(at).unwrap();
        }
        let mut peer = listener.accept();
        peer.handshake("PULL", 1);
        peer.expect(&message(&["waits"]));
    }
}
