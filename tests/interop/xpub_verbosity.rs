//! XPUB of ours that receives repeated subscriptions and cancels (libzmq's `XPUB_VERBOSE`, `XPUB_VERBOSER`).

use enfonet::XPub;
use enfonet_tests::frames;

use crate::xpub_stage::over_each_transport;

#[test]
fn a_verbose_xpub_receives_every_subscription_and_the_last_cancel() {
    over_each_transport(
        || XPub::builder().verbose(true),
        zmq::SUB,
        2,
        |stage| {
            let [first, second] = &stage.subscribers[..] else { unreachable!() };
            first.subscribe("a");
            let peer = stage.expect("+a");
            first.subscribe("a");
            assert_eq!(stage.expect("+a"), peer, "the same again");
            second.subscribe("a");
            assert_ne!(stage.expect("+a"), peer, "another's");
            stage.send("a once");
            stage.send("a end");
            for subscriber in [first, second] {
                assert_eq!(subscriber.recv(), frames(["a once"]));
                assert_eq!(subscriber.recv(), frames(["a end"]));
            }
            second.unsubscribe("a");
            first.unsubscribe("a");
            first.subscribe("b");
            stage.expect("+b");
            first.unsubscribe("a");
            stage.expect("-a");
        },
    );
}

#[test]
fn a_verboser_xpub_receives_every_subscription_and_cancel_even_of_peers_that_leave() {
    over_each_transport(
        || XPub::builder().verboser(true),
        zmq::SUB,
        2,
        |mut stage| {
            let [first, second] = [stage.subscribers.remove(0), stage.subscribers.remove(0)];
            first.subscribe("a");
            let peer = stage.expect("+a");
            second.subscribe("a");
            let other = stage.expect("+a");
            // SUB sends the last cancel of a topic, and no cancel of an unknown topic.
            first.subscribe("a");
            stage.expect("+a");
            first.unsubscribe("never");
            first.unsubscribe("a");
            first.unsubscribe("a");
            assert_eq!(stage.expect("-a"), peer);
            first.subscribe("a");
            first.subscribe("ab");
            assert_eq!([stage.expect("+a"), stage.expect("+ab")], [peer, peer]);
            drop(second);
            assert_eq!(stage.expect("-a"), other);
            drop(first);
            let mut gone = [stage.next_subscription(), stage.next_subscription()];
            gone.sort();
            assert_eq!(gone, [("-a".into(), peer), ("-ab".into(), peer)]);
        },
    );
}

#[test]
fn the_verbosity_that_is_set_last_counts() {
    over_each_transport(
        || XPub::builder().verboser(true).verbose(true),
        zmq::SUB,
        2,
        |stage| {
            stage.subscribers.iter().for_each(|subscriber| {
                subscriber.subscribe("a");
                stage.expect("+a");
            });
            stage.subscribers[0].unsubscribe("a");
            stage.subscribers[0].subscribe("b");
            stage.expect("+b");
        },
    );
}
