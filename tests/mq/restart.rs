//! A broker that is killed and started again at the same endpoints, under programs that run on.

use std::sync::mpsc;
use std::thread;

use enfonet_tests::{DEADLINE, LIBRARIES, Process, text, wildcard};

use crate::peers::World;

const MARKS: [&str; 2] = ["~0", "~1"];
const ROUNDS: [&str; 3] = ["first", "second", "third"];

fn start(endpoints: &[String; 2]) -> Process {
    Process::start("enfomq", &["--frontend", &endpoints[0], "--backend", &endpoints[1]])
}

/// Kills the broker a few times, and sends a message of each publisher to each subscriber in between.
fn live_through_restarts(transport: &str) {
    let world = World::new();
    let places = [wildcard(transport), wildcard(transport)];
    let mut broker = start(&[places[0].1.clone(), places[1].1.clone()]);
    let endpoints = [broker.frontend()[0].clone(), broker.backend()[0].clone()];
    let publishers = LIBRARIES.map(|library| world.publisher(library, &endpoints[0]));
    let (sender, received) = mpsc::channel();
    thread::scope(|scope| {
        for (library, mark) in LIBRARIES.into_iter().zip(MARKS) {
            let subscriber = world.subscriber(library, &endpoints[1], &["news", mark]);
            let sender = sender.clone();
            // A libzmq subscriber subscribes again only while it receives.
            scope.spawn(move || {
                (0..ROUNDS.len() * LIBRARIES.len())
                    .for_each(|_| sender.send((mark, text(&subscriber.recv()))).unwrap());
            });
        }
        for round in ROUNDS {
            // Nobody but the subscribers, once they are back, makes the broker tell these.
            publishers.iter().for_each(|publisher| drop(publisher.await_topics(&MARKS)));
            for publisher in &publishers {
                publisher.send(&["news", round]);
                let mut arrived = [(); 2].map(|()| received.recv_timeout(DEADLINE).unwrap());
                arrived.sort();
                assert_eq!(arrived, MARKS.map(|mark| (mark, text(&["news", round]))));
            }
            broker.kill();
            broker = start(&endpoints);
        }
    });
}

#[test]
fn traffic_flows_again_after_a_broker_on_tcp_was_killed() {
    live_through_restarts("tcp");
}

#[test]
fn traffic_flows_again_after_a_broker_on_ipc_was_killed() {
    live_through_restarts("ipc");
}
