//! Peers that vanish silently: keep-alive probes of the kernel, and PINGs of the broker.

use std::time::Duration;

use enfonet_tests::{Process, Script, ScriptListener, eventually};

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];

/// Returns the time until the kernel probes the broker's end of a connection, from the table of connections.
fn keep_alive(script: &Script) -> Option<Duration> {
    let [ours, theirs] = [script.local_port(), script.remote_port()].map(|port| format!(":{port:04X}"));
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let entry =
        fields.into_iter().find(|fields| fields[1].ends_with(&theirs) && fields[2].ends_with(&ours))?;
    // Timer 2 is keep-alive; it counts in hundredths of a second.
    let when = entry[5].strip_prefix("02:")?;
    Some(Duration::from_millis(u64::from_str_radix(when, 16).unwrap() * 10))
}

#[test]
fn the_kernel_probes_all_connections_of_a_broker_after_ten_seconds() {
    let (listener, at) = ScriptListener::bind();
    let broker = Process::start("enfoslb", &[&ANY[..], &["--backend-connect", &at]].concat());
    let queue = Process::tcp("enfomq");
    let mut connected = listener.accept();
    connected.handshake("REP", 1);
    let scripts = [
        connected,
        Script::join(&broker.frontend()[0], "DEALER", 1),
        Script::join(&broker.backend()[0], "REP", 1),
        Script::join(&queue.frontend()[0], "PUB", 1),
        Script::join(&queue.backend()[0], "SUB", 0),
    ];
    for script in &scripts {
        // The timer is keep-alive only once the last bytes are acknowledged.
        let when = eventually(|| keep_alive(script));
        assert!(when <= Duration::from_secs(10), "{when:?}");
    }
}

#[test]
fn only_zmtp_3_1_workers_are_pinged_by_default() {
    let broker = Process::tcp("enfoslb");
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    let mut old = Script::join(&broker.backend()[0], "REP", 0);
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    assert!(worker.has_more(Duration::from_secs(25)), "a worker that hangs is noticed");
    assert_eq!(worker.read(7)[2..], *b"\x04PING");
    assert!(!client.has_more(Duration::from_millis(1)) && !old.has_more(Duration::from_millis(1)));
}

#[test]
fn pings_are_sent_to_all_peers_or_none_as_configured() {
    let broker = Process::start("enfoslb", &[&ANY[..], &["--heartbeat", "50ms"]].concat());
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    assert_eq!(client.read(7)[2..], *b"\x04PING");
    // The peer answers no PING, so its connection ends.
    client.expect_close();
    let broker = Process::start("enfoslb", &[&ANY[..], &["--heartbeat", "0s"]].concat());
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    worker.settle();
}
