//! Processes of the broker programs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

/// A running broker program, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Option<BufReader<ChildStderr>>,
    ready: String,
    frontend: Vec<String>,
    backend: Vec<String>,
}

/// Builds a program of a package once, and returns its command.
///
/// # Panics
/// When the build fails.
#[must_use]
pub fn command_of(package: &str, program: &str) -> Command {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().expect("the programs before have been built");
    let path = built.entry(program.into()).or_insert_with(|| {
        let build = escargot::CargoBuild::new().package(package).bin(program).current_target();
        build.current_release().run().expect("the program builds").path().to_path_buf()
    });
    Command::new(path)
}

/// Returns the command of a broker program.
fn command(program: &str) -> Command {
    let mut command = command_of("enfonet-programs", program);
    // Warnings about misbehaving peers would clutter the output of the tests.
    if std::env::var_os("RUST_LOG").is_none() {
        command.env("RUST_LOG", "error");
    }
    command
}

impl Process {
    /// Starts a program, and waits until it is ready.
    ///
    /// # Panics
    /// When the program ends instead.
    #[must_use]
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::spawn(command(program), arguments)
    }

    /// Starts a program and keeps its log, at the default level, for [`end`](Self::end).
    ///
    /// # Panics
    /// When the program ends instead.
    #[must_use]
    pub fn logging(program: &str, arguments: &[&str]) -> Self {
        let mut command = command(program);
        command.env_remove("RUST_LOG").stderr(Stdio::piped());
        Self::spawn(command, arguments)
    }

    /// Starts a program like [`logging`](Self::logging), at the level that logs everything.
    ///
    /// # Panics
    /// When the program ends instead.
    #[must_use]
    pub fn tracing(program: &str, arguments: &[&str]) -> Self {
        let mut command = command(program);
        command.env("RUST_LOG", "trace").stderr(Stdio::piped());
        Self::spawn(command, arguments)
    }

    fn spawn(mut command: Command, arguments: &[&str]) -> Self {
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        let list = |key: &str| -> Vec<String> {
            let list = line.split_whitespace().find_map(|word| word.strip_prefix(key));
            list.expect("the ready line names both sides").split(',').map(Into::into).collect()
        };
        assert!(line.starts_with("ready "), "{line:?}");
        let (frontend, backend) = (list("frontend="), list("backend="));
        let log = child.stderr.take().map(BufReader::new);
        Self { child, stdout, log, ready: line, frontend, backend }
    }

    /// Starts a program on free TCP ports.
    #[must_use]
    pub fn tcp(program: &str) -> Self {
        Self::start(program, &["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"])
    }

    /// Runs a program to its end.
    ///
    /// # Panics
    /// When the program can't be run.
    #[must_use]
    pub fn output(program: &str, arguments: &[&str]) -> Output {
        command(program).args(arguments).output().expect("the program runs")
    }

    /// Runs a program that fails with exit code 1 and one line on stderr, and returns the line.
    ///
    /// # Panics
    /// When the program does anything else.
    #[track_caller]
    #[must_use]
    pub fn start_error(program: &str, arguments: &[&str]) -> String {
        let output = Self::output(program, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let line = String::from_utf8(output.stderr).expect("text");
        assert!(line.starts_with(&format!("{program}: ")), "{line}");
        assert_eq!((line.lines().count(), line.ends_with('\n')), (1, true), "{line}");
        line
    }

    /// Runs a program with invalid arguments, for which it ends with exit code 2, and returns its stderr.
    ///
    /// # Panics
    /// When the program does anything else.
    #[track_caller]
    #[must_use]
    pub fn misuse(program: &str, arguments: &[&str]) -> String {
        let output = Self::output(program, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        String::from_utf8(output.stderr).expect("text")
    }

    /// Returns the command of a program with a closed stdout.
    ///
    /// # Panics
    /// When the system has no pipe.
    #[must_use]
    pub fn unread(program: &str, arguments: &[&str]) -> Command {
        let (_, nobody) = std::io::pipe().expect("a pipe");
        let mut command = command(program);
        command.args(arguments).stdout(nobody).env_remove("RUST_LOG");
        command
    }

    /// Returns the ready line.
    #[must_use]
    pub fn ready(&self) -> &str {
        &self.ready
    }

    /// Returns the frontend's endpoints from the ready line.
    #[must_use]
    pub fn frontend(&self) -> &[String] {
        &self.frontend
    }

    /// Returns the backend's endpoints from the ready line.
    #[must_use]
    pub fn backend(&self) -> &[String] {
        &self.backend
    }

    /// Returns the next line of the output.
    ///
    /// # Panics
    /// When the output isn't text.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        line
    }

    /// Returns the resident memory in bytes.
    ///
    /// # Panics
    /// When the program has ended.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// Returns the peak resident memory in bytes.
    ///
    /// # Panics
    /// When the program has ended.
    #[must_use]
    pub fn peak_memory(&self) -> usize {
        self.status("VmHWM:")
    }

    /// Returns a size from the system's status of the process, in bytes.
    fn status(&self, key: &str) -> usize {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the program runs");
        let line = status.lines().find(|line| line.starts_with(key)).expect("a line for the memory");
        let kib = line.split_whitespace().nth(1).and_then(|n| n.parse::<usize>().ok());
        kib.expect("a number") << 10
    }

    /// Sends the process a signal, such as `TERM`.
    ///
    /// # Panics
    /// When the signal can't be sent.
    pub fn notify(&self, signal: &str) {
        let status =
            Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for the end, and returns the exit code and the rest of the output.
    ///
    /// # Panics
    /// When the output isn't text.
    #[must_use]
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("it ends").code(), rest)
    }

    /// Returns the next line of the log of a program that was started [with one](Self::logging).
    ///
    /// # Panics
    /// When there is no log.
    pub fn log_line(&mut self) -> String {
        let mut line = String::new();
        self.log.as_mut().expect("its log is kept").read_line(&mut line).expect("text");
        line
    }

    /// Waits for the end, and returns the exit code and the lines of the log of a program that was started
    /// [with one](Self::logging).
    ///
    /// # Panics
    /// When there is no log.
    #[must_use]
    pub fn end(mut self) -> (Option<i32>, Vec<String>) {
        let log = self.log.take().expect("its log is kept");
        let lines = log.lines().map(|line| line.expect("text")).collect();
        (self.child.wait().expect("it ends").code(), lines)
    }

    /// Sends the process a signal, and waits for its end.
    ///
    /// # Panics
    /// When the signal can't be sent.
    #[must_use]
    pub fn signal(self, signal: &str) -> (Option<i32>, String) {
        self.notify(signal);
        self.wait()
    }

    /// Kills the process without a chance to clean up.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
