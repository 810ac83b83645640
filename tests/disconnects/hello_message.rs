//! The hello message when peers connect and disconnect.

use std::time::Duration;

use enfonet::Dealer;
use enfonet_tests::{Runtime, ScriptListener, greeting, message, ready};

#[test]
fn an_unsent_hello_is_not_sent_twice_to_the_next_peer() {
    let runtime = Runtime::new();
    let (listener, at) = ScriptListener::bind();
    let dealer = Dealer::builder().hello("hello").reconnect_interval(Duration::from_millis(1)).build();
    let _guard = runtime.enter();
    dealer.connect(&at[..]).unwrap();
    for _ in 0..20 {
        let mut fleeting = listener.accept();
        fleeting.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER")])].concat());
        fleeting.finish();
        fleeting.expect_close();
    }
    let mut lasting = listener.accept();
    lasting.handshake("DEALER", 1);
    lasting.expect(&message(&["hello"]));
    runtime.run(dealer.send("text")).unwrap();
    lasting.expect(&message(&["text"]));
}
