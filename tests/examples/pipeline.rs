//! `taskvent`, `taskwork` and `tasksink`, and `mspoller` in the place of a worker.

use enfonet_tests::PyZmq;

use crate::{Example, TCP, bound, connected};

#[test]
fn taskvent_hands_tasks_to_pulls_of_pyzmq_in_turn() {
    let pyzmq = PyZmq::start();
    let (sink, sink_at) = bound(&pyzmq, "PULL");
    let (ventilator, [at]) = Example::ready("taskvent", &[TCP, &sink_at, "6", "2"]);
    let workers = [(); 2].map(|()| connected(&pyzmq, "PULL", &at));
    assert_eq!(sink.recv(), [b"begin"]);
    let mut total = 0;
    for _ in 0..3 {
        for worker in &workers {
            let task: u64 = str::from_utf8(&worker.recv()[0]).unwrap().parse().unwrap();
            assert!((1..=100).contains(&task));
            total += task;
        }
    }
    assert_eq!(ventilator.end(), [format!("{total} ms of work")]);
}

#[test]
fn taskwork_serves_pyzmq_until_the_stop_message() {
    let pyzmq = PyZmq::start();
    let ((ventilator, at), (sink, sink_at)) = (bound(&pyzmq, "PUSH"), bound(&pyzmq, "PULL"));
    let (control, control_at) = bound(&pyzmq, "XPUB");
    let worker = Example::start("taskwork", &[&at, &sink_at, &control_at]);
    for task in ["1", "20"] {
        ventilator.send(&[task]);
        assert_eq!(sink.recv(), [b""]);
    }
    assert_eq!(control.recv(), [b"\x01"]);
    control.send(&["stop"]);
    assert_eq!(worker.end(), ["worked for 1 ms", "worked for 20 ms"]);
}

#[test]
fn tasksink_collects_from_pyzmq_and_then_stops_its_workers() {
    let (sink, [at, control_at]) = Example::ready("tasksink", &[TCP, TCP, "4", "2"]);
    let pyzmq = PyZmq::start();
    let controls = [(); 2].map(|()| connected(&pyzmq, "SUB", &control_at));
    let ventilator = connected(&pyzmq, "PUSH", &at);
    ventilator.send(&["begin"]);
    let workers = [(); 2].map(|()| connected(&pyzmq, "PUSH", &at));
    for result in ["first", "second"] {
        workers.iter().for_each(|worker| worker.send(&[result]));
    }
    let line = sink.line();
    assert!(line.starts_with("4 tasks in ") && line.ends_with(" ms"), "{line}");
    controls.iter().for_each(|control| control.subscribe(""));
    controls.iter().for_each(|control| assert_eq!(control.recv(), [b"stop"]));
    assert!(sink.end().is_empty());
}

#[test]
fn taskworks_share_the_tasks_from_taskvent_to_tasksink() {
    let (sink, [sink_at, control_at]) = Example::ready("tasksink", &[TCP, TCP, "20", "2"]);
    let (ventilator, [at]) = Example::ready("taskvent", &[TCP, &sink_at, "20", "2"]);
    let workers = [(); 2].map(|()| Example::start("taskwork", &[&at, &sink_at, &control_at]));
    assert_eq!(ventilator.end().len(), 1);
    assert_eq!(sink.end().len(), 1);
    workers.into_iter().for_each(|worker| assert_eq!(worker.end().len(), 10));
}

#[test]
fn mspoller_receives_from_a_push_and_a_pub_of_pyzmq() {
    let pyzmq = PyZmq::start();
    let ((ventilator, at), (weather, weather_at)) = (bound(&pyzmq, "PUSH"), bound(&pyzmq, "XPUB"));
    let poller = Example::start("mspoller", &[&at, &weather_at, "5"]);
    assert_eq!(weather.recv(), [b"\x0110001 "]);
    weather.send(&["10001 20 60"]);
    assert_eq!(poller.line(), "weather 10001 20 60");
    ventilator.send(&["17"]);
    assert_eq!(poller.line(), "task 17");
    ventilator.send(&["18"]);
    assert_eq!(poller.line(), "task 18");
    weather.send(&["10002 21 60"]);
    weather.send(&["10001 22 60"]);
    assert_eq!(poller.line(), "weather 10001 22 60");
    ventilator.send(&["19"]);
    assert_eq!(poller.end(), ["task 19"]);
}
