//! Roles of `enfonet-load`, each with its counterpart.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

/// A load program; killed when dropped.
struct Load {
    child: Child,
    lines: Receiver<String>,
}

impl Load {
    fn start(role: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enfonet-load"));
        let mut child = command.args(role.split(' ')).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (line, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        Self { child, lines }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts both ends, and returns the line that the measuring end prints.
#[track_caller]
fn measure(other: &str, measuring: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("ipc://{}/load", folder.path().display());
    let [_other, measuring] =
        [other, measuring].map(|role| Load::start(&role.replace("ENDPOINT", &endpoint)));
    measuring.lines.recv_timeout(DEADLINE).unwrap()
}

#[test]
fn what_is_pushed_is_pulled() {
    for (push, pull) in [("push", "pull"), ("pushb", "pullb")] {
        let line = measure(&format!("{push} ENDPOINT 32 1000"), &format!("{pull} ENDPOINT 32 1000"));
        assert!(line.starts_with("rate=") && line.contains(" n="), "{line}");
    }
}

#[test]
fn roles_find_each_other_with_curve() {
    let line = measure("--curve push ENDPOINT 32 1000", "--curve pull ENDPOINT 32 1000");
    assert!(line.starts_with("rate="), "{line}");
    let line = measure("--curve pub ENDPOINT 32 20 bind", "--curve sub ENDPOINT 32 0");
    assert!(line.starts_with("rate="), "{line}");
}

#[test]
fn requests_are_replied_to() {
    let line = measure("rep ENDPOINT bind", "req ENDPOINT 32 1000");
    assert!(line.starts_with("rtt_us p50="), "{line}");
    let line = measure("router ENDPOINT", "dealer ENDPOINT 32 1000 16");
    assert!(line.contains(" n=1000 "), "{line}");
}

#[test]
fn what_is_published_is_counted() {
    let line = measure("pub ENDPOINT 32 20 bind", "sub ENDPOINT 32 0");
    assert!(line.starts_with("rate="), "{line}");
}
