//! Handover of a client's identity with `enfoslb --handover user`.

use enfonet_tests::{Process, PySocket, PyZmq, file, frames};
use tempfile::tempdir;

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];

/// Returns a client of a user with the identity `X`, which connects once.
fn client(py: &PyZmq, user: &str, at: &str) -> PySocket {
    let client =
        py.socket("DEALER").plain(user, &user[..1]).option("routing_id", "X").option("reconnect_ivl", -1);
    client.connect(at);
    client
}

/// Asserts that the client's request is answered.
#[track_caller]
fn assert_served(client: &PySocket, worker: &PySocket) {
    client.send(&["", "request"]);
    assert_eq!(worker.recv(), frames(["request"]));
    worker.send(&["reply"]);
    assert_eq!(client.recv(), frames(["", "reply"]));
}

#[test]
fn a_user_takes_over_its_identity_from_an_old_connection_and_no_other_user_does() {
    let (py, folder) = (PyZmq::start(), tempdir().unwrap());
    let users = file(&folder, "users", 0o600, "ada:a\neve:e\n");
    let mut process =
        Process::logging("enfoslb", &[&ANY[..], &["--plain-users", &users, "--handover", "user"]].concat());
    let at = process.frontend()[0].clone();
    let worker = py.socket("REP").plain("ada", "a");
    worker.connect(&process.backend()[0]);
    let old = client(&py, "ada", &at);
    assert_served(&old, &worker);
    let thief = client(&py, "eve", &at);
    let line = process.log_line();
    assert!(line.contains("another peer with the same identity is connected"), "{line}");
    assert_served(&old, &worker);
    drop(thief);
    let new = client(&py, "ada", &at);
    assert_served(&new, &worker);
}

#[test]
fn handover_to_a_user_without_named_users_is_an_error() {
    let folder = tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    assert!(Process::output("enfoslb", &["--new-key", &key]).status.success());
    for more in [&[][..], &["--curve-secret", &key]] {
        let line = Process::misuse("enfoslb", &[&["--handover", "user"], more].concat());
        for flag in ["--handover", "--plain-users", "--curve-clients"] {
            assert!(line.contains(flag), "{line}");
        }
    }
}
