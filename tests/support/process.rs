//! The broker programs, as processes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

/// A broker program that runs until it is stopped; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Option<BufReader<ChildStderr>>,
    ready: String,
    frontend: Vec<String>,
    backend: Vec<String>,
}

/// Builds a program of a package once, as it is now, and gives the command for it.
///
/// # Panics
/// When it doesn't build.
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

/// The command for a broker.
fn command(program: &str) -> Command {
    let mut command = command_of("enfonet-proxy", program);
    // Warnings about peers that misbehave aren't worth a line of a test's output, unless the log is asked for.
    if std::env::var_os("RUST_LOG").is_none() {
        command.env("RUST_LOG", "error");
    }
    command
}

impl Process {
    /// Starts a program and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead.
    #[must_use]
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::spawn(command(program), arguments)
    }

    /// Starts one whose log is kept, as it is by default, for [`end`](Self::end).
    ///
    /// # Panics
    /// When it ends instead.
    #[must_use]
    pub fn logging(program: &str, arguments: &[&str]) -> Self {
        let mut command = command(program);
        command.env_remove("RUST_LOG").stderr(Stdio::piped());
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

    /// Starts one on free TCP ports.
    #[must_use]
    pub fn tcp(program: &str) -> Self {
        Self::start(program, &["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"])
    }

    /// Runs a program that is to end by itself.
    ///
    /// # Panics
    /// When it can't be run.
    #[must_use]
    pub fn output(program: &str, arguments: &[&str]) -> Output {
        command(program).args(arguments).output().expect("the program runs")
    }

    /// Runs a program that is to fail, with exit code 1 and one line on stderr: gives that line.
    ///
    /// # Panics
    /// When it does anything else.
    #[track_caller]
    #[must_use]
    pub fn refusal(program: &str, arguments: &[&str]) -> String {
        let output = Self::output(program, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let line = String::from_utf8(output.stderr).expect("text");
        assert!(line.starts_with(&format!("{program}: ")), "{line}");
        assert_eq!((line.lines().count(), line.ends_with('\n')), (1, true), "{line}");
        line
    }

    /// Runs a program that is told wrongly what to do: it ends with exit code 2, and says on stderr why. Gives that.
    ///
    /// # Panics
    /// When it does anything else.
    #[track_caller]
    #[must_use]
    pub fn misuse(program: &str, arguments: &[&str]) -> String {
        let output = Self::output(program, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        String::from_utf8(output.stderr).expect("text")
    }

    /// The command for a program whose stdout nobody reads.
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

    /// The line that told it was ready.
    #[must_use]
    pub fn ready(&self) -> &str {
        &self.ready
    }

    /// The endpoints of the frontend, as the ready line has them.
    #[must_use]
    pub fn frontend(&self) -> &[String] {
        &self.frontend
    }

    /// The endpoints of the backend, as the ready line has them.
    #[must_use]
    pub fn backend(&self) -> &[String] {
        &self.backend
    }

    /// The next line that it prints.
    ///
    /// # Panics
    /// When it prints no text.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        line
    }

    /// Its resident memory, in bytes.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most resident memory that it has had, in bytes.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn peak_memory(&self) -> usize {
        self.status("VmHWM:")
    }

    /// A size that the system tells of it.
    fn status(&self, key: &str) -> usize {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the program runs");
        let line = status.lines().find(|line| line.starts_with(key)).expect("a line for the memory");
        let kib = line.split_whitespace().nth(1).and_then(|n| n.parse::<usize>().ok());
        kib.expect("a number") << 10
    }

    /// Sends it a signal, such as `TERM`, and goes on.
    ///
    /// # Panics
    /// When it can't be signalled.
    pub fn notify(&self, signal: &str) {
        let status =
            Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for its end, and gives its exit code and whatever else it printed.
    ///
    /// # Panics
    /// When it prints no text.
    #[must_use]
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("it ends").code(), rest)
    }

    /// The next line of its log, if it is started [with one](Self::logging).
    ///
    /// # Panics
    /// When there is no log.
    pub fn log_line(&mut self) -> String {
        let mut line = String::new();
        self.log.as_mut().expect("its log is kept").read_line(&mut line).expect("text");
        line
    }

    /// Waits for its end, and gives its exit code and the lines of its log. Only of a program that is started
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

    /// Sends it a signal and waits for its end.
    ///
    /// # Panics
    /// When it can't be signalled.
    #[must_use]
    pub fn signal(self, signal: &str) -> (Option<i32>, String) {
        self.notify(signal);
        self.wait()
    }

    /// Kills it, without a chance to clean up.
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
