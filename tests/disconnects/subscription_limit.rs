//! The limit on waiting subscription changes, which doesn't limit the subscriptions themselves.

use std::collections::BTreeSet;

use enfonet::message::Subscription;
use enfonet::socket::XPubEvent;
use enfonet::{Options, XPub, XSub};
use enfonet_tests::Runtime;

use crate::TCP;

#[test]
fn a_connected_publisher_receives_more_subscriptions_than_the_limit_on_pending_changes() {
    // Changes of 72 MB, where 64 MiB of changes may wait.
    let topics: BTreeSet<String> = (1000..2200).map(|n| format!("{n:<60000}")).collect();
    let runtime = Runtime::new();
    let publisher = XPub::with_options(Options::default().max_subscriptions(10_000, 80 << 20));
    let at = runtime.run(publisher.bind(TCP)).unwrap();
    let xsub = XSub::new();
    topics.iter().for_each(|topic| xsub.subscribe(topic.clone()));
    let _guard = runtime.enter();
    xsub.connect(&at).unwrap();
    let mut reported = BTreeSet::new();
    while reported.len() < topics.len() {
        match runtime.run(publisher.recv()).unwrap() {
            XPubEvent::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
                assert!(reported.insert(String::from_utf8(topic.to_vec()).unwrap()), "reported once");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(reported == topics);
}
