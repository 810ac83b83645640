//! Log lines about losses: few lines for any number of lost messages.

use std::time::Instant;

use enfonet_tests::{Process, Script, message};

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];

/// Returns the sum of a key's numbers over the lines, and the number of lines that have it.
fn sum(log: &[String], text: &str) -> (u64, usize) {
    let count = |line: &String| line.split_once("count=")?.1.split_whitespace().next()?.parse::<u64>().ok();
    let lines: Vec<u64> = log.iter().filter(|line| line.contains(text)).filter_map(count).collect();
    (lines.iter().sum(), lines.len())
}

#[test]
fn requests_lost_with_workers_are_logged_once_a_second_with_their_number_and_an_address() {
    const WORKERS: u64 = 200;
    let broker = Process::logging("enfoslb", &ANY);
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    let start = Instant::now();
    for _ in 0..WORKERS {
        client.send(&message(&["", "request"]));
        let mut worker = Script::join(&broker.backend()[0], "REP", 1);
        assert_eq!(worker.message()[2], b"request");
        worker.leave();
    }
    let seconds = start.elapsed().as_secs();
    broker.notify("TERM");
    client.expect_close();
    let (code, log) = broker.end();
    let (lost, lines) = sum(&log, "their worker has gone");
    assert_eq!((code, lost), (Some(0), WORKERS), "{log:?}");
    assert!(lines as u64 <= seconds + 2, "{lines} lines in {seconds} s");
    assert!(
        log[0].contains("address=\"127.0.0.1\"") && log[0].contains("endpoint=tcp://127.0.0.1:"),
        "{log:?}"
    );
}

#[test]
fn every_other_loss_is_logged() {
    let broker = Process::logging("enfoslb", &ANY);
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    client.send(&message(&["no empty frame"]).repeat(3));
    client.send(&message(&["", "request"]));
    let request = worker.message();
    client.leave();
    worker.send(&message(&["stray", "", "reply"]).repeat(2));
    worker.send(&message(&request));
    worker.settle();
    broker.notify("TERM");
    worker.expect_close();
    let (_, log) = broker.end();
    for (text, number) in [
        ("there is no empty frame", 3),
        ("they answer no request", 2),
        ("their client has gone, or has no room", 1),
    ] {
        let (count, lines) = sum(&log, text);
        assert!(count == number && lines <= 2, "one line, and what came later in the last one: {log:?}");
    }
}
