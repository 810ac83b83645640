//! Process with pyzmq's sockets: one line per request, one line per answer.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::install::python;
use crate::DEADLINE;

/// The Python process.
#[derive(Debug)]
pub(super) struct Peer(Mutex<Wire>);

#[derive(Debug)]
struct Wire {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Peer {
    #[track_caller]
    pub(super) fn start() -> Self {
        let mut child = Command::new(python())
            .args(["-I", concat!(env!("CARGO_MANIFEST_DIR"), "/pyzmq/peer.py")])
            .arg(DEADLINE.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let requests = child.stdin.take().expect("stdin is piped");
        let answers = lines(child.stdout.take().expect("stdout is piped"));
        Self(Mutex::new(Wire { child, requests, answers }))
    }

    /// Returns the answer to a request.
    #[track_caller]
    pub(super) fn ask(&self, request: Value) -> Value {
        match self.try_ask(&request) {
            Ok(answer) => answer,
            Err(error) => panic!("{error}: {request}"),
        }
    }

    pub(super) fn try_ask(&self, request: &Value) -> Result<Value, String> {
        let mut wire = self.0.lock().map_err(|_| "a test has failed")?;
        writeln!(wire.requests, "{request}").map_err(|_| "its process has ended")?;
        // The process ends each of its waits after one deadline.
        let Ok(answer) = wire.answers.recv_timeout(2 * DEADLINE) else {
            // A late answer would be taken for the answer to the next request.
            let _ = wire.child.kill();
            return Err("no answer".into());
        };
        let mut answer: Value = serde_json::from_str(&answer).map_err(|_| answer)?;
        match answer["error"].as_str() {
            Some(error) => Err(error.into()),
            None => Ok(answer["ok"].take()),
        }
    }

    pub(super) fn kill(&self) {
        if let Ok(mut wire) = self.0.lock() {
            let _ = wire.child.kill();
            let _ = wire.child.wait();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns a channel of the lines that a process prints.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (line, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|text| line.send(text))
    });
    lines
}

pub(super) fn string(value: &Value) -> String {
    value.as_str().expect("text").into()
}

/// Returns bytes in hexadecimal.
pub(super) fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Returns the bytes of frames in hexadecimal.
pub(super) fn bytes(frames: &Value) -> Vec<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("digits")
    };
    let frames = frames.as_array().expect("frames").iter();
    frames.map(|frame| frame.as_str().expect("text").as_bytes().chunks(2).map(byte).collect()).collect()
}
