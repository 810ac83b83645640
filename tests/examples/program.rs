//! An example as a process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use enfonet_tests::DEADLINE;
use escargot::format::Message;

/// Folder of the examples, which are built together. A test run of the whole workspace has already built them.
static BUILT: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(|| {
    let build = escargot::CargoBuild::new().arg("--workspace").examples().current_release();
    let messages = build.exec().expect("cargo runs").map(|message| message.expect("the examples build"));
    let built = messages.filter_map(|message| match message.decode().expect("cargo names its artifacts") {
        Message::CompilerArtifact(artifact) => {
            Some((artifact.target.name.into_owned(), artifact.executable?.into_owned()))
        }
        _ => None,
    });
    built.collect()
});

/// A running example, killed when dropped.
#[derive(Debug)]
pub(crate) struct Example {
    name: String,
    child: Child,
    lines: Receiver<String>,
}

impl Example {
    /// Starts an example with these arguments.
    #[track_caller]
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(BUILT.get(name).expect("an example"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("it starts");
        let (line, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        Self { name: name.into(), child, lines }
    }

    /// Starts an example that binds, and returns its endpoints.
    #[track_caller]
    pub(crate) fn ready<const N: usize>(name: &str, arguments: &[&str]) -> (Self, [String; N]) {
        let example = Self::start(name, arguments);
        let line = example.line();
        let endpoints = line.strip_prefix("ready ").expect("the first line names the endpoints");
        let endpoints: Vec<String> = endpoints.split(' ').map(Into::into).collect();
        (example, endpoints.try_into().expect("so many endpoints"))
    }

    /// Returns the next line of the output.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(error) => panic!("{} prints another line: {error}", self.name),
        }
    }

    /// Waits until the program ends with success, and returns the rest of its output.
    #[track_caller]
    pub(crate) fn end(mut self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{} ends, after {rest:?}", self.name),
            }
        }
        let status = self.child.wait().expect("it has ended");
        assert!(status.success(), "{}: {status}, after {rest:?}", self.name);
        rest
    }

    /// Sends Ctrl-C, waits until the program ends with success, and returns the rest of its output.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Vec<String> {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        self.end()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
