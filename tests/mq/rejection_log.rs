//! Log lines of `enfomq` about rejected peers, at the default log level.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use enfonet_tests::{DEADLINE, LibZmq, Script, command_of, greeting, ready};

const ANY: &str = "tcp://127.0.0.1:*";

/// A broker and its log, killed when dropped.
struct Logged {
    child: Child,
    /// Log lines about rejected peers, without colours.
    rejections: Receiver<String>,
    frontend: String,
    backend: String,
}

impl Logged {
    fn start(more: &[&str]) -> Self {
        let mut command = command_of("enfonet-programs", "enfomq");
        command.args(["--frontend", ANY, "--backend", ANY]).args(more).env_remove("RUST_LOG");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let side = |key| line.split_whitespace().find_map(|word| word.strip_prefix(key)).unwrap().to_string();
        let (frontend, backend) = (side("frontend="), side("backend="));
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, rejections) = channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok).filter(|line| line.contains("turned away")) {
                let plain =
                    ["\x1b[3m", "\x1b[2m", "\x1b[0m"].iter().fold(line, |line, code| line.replace(code, ""));
                if sender.send(plain).is_err() {
                    return;
                }
            }
        });
        Self { child, rejections, frontend, backend }
    }

    fn rejection(&self) -> String {
        self.rejections.recv_timeout(DEADLINE).unwrap()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_publisher_at_the_subscriber_port_is_logged_with_its_address() {
    let (libzmq, broker) = (LibZmq::new(), Logged::start(&[]));
    let _lost = libzmq.connected(zmq::PUB, &broker.backend.clone());
    let line = broker.rejection();
    for part in ["WARN", "address=\"127.0.0.1:", "peer is a PUB socket", "count=1", &broker.backend] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn a_null_peer_at_a_curve_broker_is_logged_with_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    assert!(
        command_of("enfonet-programs", "enfomq").args(["--new-key", &key]).output().unwrap().status.success()
    );
    let (libzmq, broker) = (LibZmq::new(), Logged::start(&["--curve-secret", &key]));
    for (kind, at) in [(zmq::SUB, broker.backend.clone()), (zmq::PUB, broker.frontend.clone())] {
        let _unauthorized = libzmq.connected(kind, &at);
        let line = broker.rejection();
        for part in ["WARN", "address=\"127.0.0.1:", "mechanism", "count=1", &at] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn an_older_peer_at_a_curve_broker_is_logged_with_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    assert!(
        command_of("enfonet-programs", "enfomq").args(["--new-key", &key]).output().unwrap().status.success()
    );
    let broker = Logged::start(&["--curve-secret", &key]);
    let mut older = Script::connect(&broker.backend);
    older.send(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x02\0\0");
    older.expect_close();
    let line = broker.rejection();
    assert!(line.contains("ZMTP 2.0") && line.contains("count=1"), "{line}");
}

#[test]
fn rejections_of_one_reason_are_counted_in_one_log_line_per_second() {
    let broker = Logged::start(&[]);
    let (begin, mut rejected, mut logged, mut lines) = (Instant::now(), 0, 0, 0);
    while logged < 100 {
        let mut wrong = Script::connect(&broker.backend);
        wrong.send(&[greeting(1), ready(&[("Socket-Type", b"PUB")])].concat());
        wrong.expect_close();
        rejected += 1;
        for line in broker.rejections.try_iter() {
            let count = line.split("count=").nth(1).and_then(|rest| rest.split_whitespace().next());
            logged += count.unwrap().parse::<u64>().unwrap();
            lines += 1;
        }
    }
    assert!(logged <= rejected && lines <= begin.elapsed().as_secs() + 1, "{lines} {logged} {rejected}");
}
