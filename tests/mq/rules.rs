//! Rules: the topics that each user may publish and subscribe to, with `enfomq --rules`.

use enfonet_tests::{Process, PySocket, PyZmq, Script, command, file, frames, text};
use tempfile::{TempDir, tempdir};

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];

const RULES: &str = "# who may do what\nAda pub=orders. sub=orders.,prices.\n\n* sub=news.\n";

/// Starts a broker with these rules for Ada, Eve and Max.
fn start(folder: &TempDir, rules: &str) -> Process {
    let users = file(folder, "users", 0o600, "Ada:a\nEve:e\nMax:m\n");
    let rules = file(folder, "rules", 0o644, rules);
    Process::logging("enfomq", &[&ANY[..], &["--plain-users", &users, "--rules", &rules]].concat())
}

fn peer(py: &PyZmq, kind: &str, user: &str, topics: &[&str], at: &str) -> PySocket {
    let peer = py.socket(kind).plain(user, &user[..1].to_lowercase());
    topics.iter().for_each(|topic| peer.subscribe(topic));
    peer.connect(at);
    peer
}

#[test]
fn users_publish_and_subscribe_within_their_rules_only_and_the_log_says_the_rest() {
    let (py, folder) = (PyZmq::start(), tempdir().unwrap());
    let mut process = start(&folder, RULES);
    let (frontend, backend) = (process.frontend()[0].clone(), process.backend()[0].clone());
    let ada = peer(&py, "SUB", "Ada", &["orders", "", "prices.x"], &backend);
    let line = process.log_line();
    for part in ["WARN", "address=\"127.0.0.1", "user=\"Ada\"", "topic=\"", &backend, "isn't permitted"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let eve = peer(&py, "SUB", "Eve", &["prices.x", "news.today"], &backend);
    assert!(process.log_line().contains("user=\"Eve\""));
    let publisher = peer(&py, "XPUB", "Ada", &[], &frontend);
    let mut topics = [publisher.recv(), publisher.recv()];
    topics.sort();
    assert_eq!(topics, [frames(["\x01news.today"]), frames(["\x01prices.x"])]);
    ada.subscribe("orders.");
    assert_eq!(publisher.recv(), frames(["\x01orders."]));
    publisher.send(&["prices.x", "forged"]);
    publisher.send(&["news.today", "forged"]);
    publisher.send(&["orders.1", "true"]);
    assert_eq!(text(&ada.recv()), ["orders.1", "true"]);
    let line = process.log_line();
    assert!(line.contains("user=\"Ada\"") && line.contains("dropped messages"), "{line}");
    // Max may publish nothing.
    let max = peer(&py, "XPUB", "Max", &[], &frontend);
    assert_eq!(max.recv()[0][0], 1, "a subscription");
    max.send(&["orders.2", "forged"]);
    let line = process.log_line();
    assert!(line.contains("user=\"Max\"") && line.contains("topic=\"orders.2\""), "{line}");
    publisher.send(&["orders.3", "true"]);
    assert_eq!(text(&ada.recv()), ["orders.3", "true"]);
    assert!(!eve.poll(std::time::Duration::ZERO));
}

#[test]
fn with_rules_and_no_mechanism_every_peer_has_the_rule_for_all_others() {
    let folder = tempdir().unwrap();
    let rules = file(&folder, "rules", 0o644, "* sub=news.");
    let process = Process::start("enfomq", &[&ANY[..], &["--rules", &rules]].concat());
    let mut publisher = Script::join(&process.frontend()[0], "XPUB", 1);
    let mut subscriber = Script::join(&process.backend()[0], "SUB", 1);
    subscriber.send(&[command("SUBSCRIBE", b""), command("SUBSCRIBE", b"news.1")].concat());
    publisher.expect(&command("SUBSCRIBE", b"news.1"));
}

#[test]
fn an_invalid_rule_is_named_by_file_and_line() {
    let folder = tempdir().unwrap();
    for (mode, text, expected) in [
        (0o644, "# ours\nAda\n", "line 2: a rule is a user's name, and then pub= or sub="),
        (
            0o644,
            "Ada sub=a,,b",
            "line 1: an empty prefix, which would allow all topics: to allow them, write *",
        ),
        (0o644, "Ada sub=orders.*", "line 1: an asterisk in a prefix"),
        (0o644, "Ada sub=a\nAda pub=a", "line 2: the same name as in line 1"),
        (0o666, "Ada sub=a", "users other than its owner can change it (mode 666): chmod go-w"),
    ] {
        let path = file(&folder, "rules", mode, text);
        let line = Process::start_error("enfomq", &["--rules", &path]);
        assert!(line.starts_with(&format!("enfomq: {path}: {expected}")), "{line}");
    }
}
