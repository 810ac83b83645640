//! With PLAIN and CURVE too, what a rejected peer sends stays with it.

use enfonet_tests::Relay;

use crate::setup::{ANYWHERE, MECHANISMS, Role, Whose, World};

#[test]
fn messages_of_a_rejected_peer_arrive_once_it_is_admitted() {
    let world = World::new();
    let _guard = world.runtime.enter();
    for mechanism in MECHANISMS {
        // The server speaks last. Where that is the end that connects, only what needs no name is rejected in time.
        let cases = [
            (zmq::ROUTER, zmq::DEALER, Role::Server),
            (zmq::PAIR, zmq::PAIR, Role::Server),
            (zmq::PAIR, zmq::PAIR, Role::Client),
        ];
        for (whose, (ours, theirs, role)) in
            [Whose::Ours, Whose::Pyzmqs].into_iter().flat_map(|whose| cases.map(|case| (whose, case)))
        {
            println!("{mechanism:?} {whose:?} {ours:?} {role:?}");
            let bound = world.end(Whose::Ours, ours, (mechanism, role), "");
            let at = bound.bind(ANYWHERE);
            let [first, second] =
                [(); 2].map(|()| world.end(whose, theirs, (mechanism, role.other()), "name"));
            first.connect(&at);
            first.send(["first"]);
            assert_eq!(bound.recv().last().unwrap(), b"first");
            let relay = Relay::to(&at);
            second.connect(&relay.endpoint);
            second.send(["second"]);
            for _ in 0..2 {
                let heard = relay.ended();
                assert!(!heard.windows(5).any(|part| part == b"READY"), "{}", heard.escape_ascii());
            }
            drop(first);
            assert_eq!(bound.recv().last().unwrap(), b"second");
        }
    }
}
