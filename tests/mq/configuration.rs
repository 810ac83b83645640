//! Settings of the programs: their sources, the precedence of these, errors with positions, and `--check`.

use std::path::Path;
use std::process::{Command, Output};

use enfonet_tests::{Library, Process, command_of, file};
use tempfile::{TempDir, tempdir};

use crate::setup::Setup;

/// A program with a configuration file and an environment of its own.
struct Program {
    folder: TempDir,
    name: &'static str,
    environment: Vec<(&'static str, &'static str)>,
}

impl Program {
    fn new(name: &'static str) -> Self {
        Self { folder: tempdir().unwrap(), name, environment: vec![] }
    }

    fn with(mut self, variable: &'static str, value: &'static str) -> Self {
        self.environment.push((variable, value));
        self
    }

    /// Writes the configuration file, and returns its path.
    fn file(&self, text: &str) -> String {
        let path = self.folder.path().join("broker.toml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command_of("enfonet-programs", self.name);
        command.args(arguments).env_remove("RUST_LOG").envs(self.environment.iter().copied());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Returns the settings that `--check` prints.
    #[track_caller]
    fn check(&self, arguments: &[&str]) -> String {
        let output = self.output(&[&["--check"], arguments].concat());
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the line of an error, without the name of the program and the path of the file.
    #[track_caller]
    fn error(&self, text: &str) -> String {
        let path = self.file(text);
        let output = self.output(&["--check", "--config", &path]);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), line.lines().count(), output.stdout.len()),
            (Some(2), 1, 0),
            "{line}"
        );
        let start = format!("{}: {path}:", self.name);
        line.trim_end().strip_prefix(&start).unwrap_or_else(|| panic!("{line}")).to_owned()
    }
}

/// Returns the line with this key after a line that is this section, without the path of the file.
#[track_caller]
fn line<'t>(text: &'t str, section: &str, key: &str) -> &'t str {
    let lines = text.lines().skip_while(|line| !section.is_empty() && *line != section);
    let mut lines = lines.filter(|line| line.starts_with(&format!("{key} = ")));
    lines.next().unwrap_or_else(|| panic!("no {key} in {text}"))
}

#[test]
fn a_flag_precedes_a_variable_a_variable_the_file_and_the_file_the_default() {
    let plain = Program::new("enfomq");
    let varied = Program::new("enfomq").with("ENFOMQ_STOP_TIMEOUT", "2s");
    let flag = ["--stop-timeout", "1s"];
    let path = plain.file("stop-timeout = \"3s\"");
    let configured = ["--config", &path];
    let both = [&configured[..], &flag].concat();
    let from_file = format!("stop-timeout = \"3s\"  # {path}:1");
    let from_variable = "stop-timeout = \"2s\"  # ENFOMQ_STOP_TIMEOUT";
    let from_flag = "stop-timeout = \"1s\"  # --stop-timeout";
    for (program, arguments, expected) in [
        (&plain, &[][..], "stop-timeout = \"4s\"  # default"),
        (&plain, &configured, &from_file),
        (&varied, &[], from_variable),
        (&varied, &configured, from_variable),
        (&plain, &flag, from_flag),
        (&plain, &both, from_flag),
        (&varied, &flag, from_flag),
        (&varied, &both, from_flag),
    ] {
        assert_eq!(line(&program.check(arguments), "", "stop-timeout"), expected, "{arguments:?}");
    }
}

#[test]
fn sources_are_merged_key_by_key() {
    let program = Program::new("enfomq")
        .with("ENFOMQ_BACKEND", "tcp://127.0.0.1:6001,tcp://127.0.0.1:6002")
        .with("ENFOMQ_FRONTEND_HEARTBEAT", "7s");
    let path = program.file("[[frontend]]\nbind = [\"tcp://127.0.0.1:6000\"]\nheartbeat = \"6s\"\n");
    let text = program.check(&["--config", &path, "--frontend-connect", "tcp://127.0.0.1:7000"]);
    let (front, back) = ("[[frontend]]", "[[backend]]");
    assert_eq!(line(&text, front, "bind"), format!("bind = [\"tcp://127.0.0.1:6000\"]  # {path}:2"));
    assert_eq!(line(&text, front, "connect"), "connect = [\"tcp://127.0.0.1:7000\"]  # --frontend-connect");
    assert_eq!(line(&text, front, "heartbeat"), "heartbeat = \"7s\"  # ENFOMQ_FRONTEND_HEARTBEAT");
    assert_eq!(
        line(&text, back, "bind"),
        "bind = [\"tcp://127.0.0.1:6001\", \"tcp://127.0.0.1:6002\"]  # ENFOMQ_BACKEND"
    );
    assert_eq!(line(&text, back, "heartbeat"), "heartbeat = \"0s\"  # default");
}

#[test]
fn a_key_of_one_side_precedes_the_key_of_both_from_the_same_source() {
    let program = Program::new("enfoslb");
    let text = program.check(&["--heartbeat", "5s", "--backend-heartbeat", "1s"]);
    assert_eq!(line(&text, "[service.frontend]", "heartbeat"), "heartbeat = \"5s\"  # --heartbeat");
    assert_eq!(line(&text, "[service.backend]", "heartbeat"), "heartbeat = \"1s\"  # --backend-heartbeat");
    let path = program.file("heartbeat = \"3s\"\n[[service]]\n[service.backend]\nheartbeat = \"2s\"\n");
    let text = program.check(&["--config", &path]);
    assert_eq!(line(&text, "[service.frontend]", "heartbeat"), format!("heartbeat = \"3s\"  # {path}:1"));
    assert_eq!(line(&text, "[service.backend]", "heartbeat"), format!("heartbeat = \"2s\"  # {path}:4"));
    let text = program.check(&["--config", &path, "--heartbeat", "5s"]);
    assert_eq!(line(&text, "[service.backend]", "heartbeat"), "heartbeat = \"5s\"  # --heartbeat");
}

#[test]
fn rust_log_is_the_default_of_the_log_level() {
    let plain = Program::new("enfomq");
    assert_eq!(line(&plain.check(&[]), "", "log-level"), "log-level = \"warn\"  # default");
    let varied = Program::new("enfomq").with("RUST_LOG", "info,enfonet=debug");
    let expected = "log-level = \"info,enfonet=debug\"  # RUST_LOG";
    assert_eq!(line(&varied.check(&[]), "", "log-level"), expected);
    let path = varied.file("log-level = \"error\"");
    let text = varied.check(&["--config", &path]);
    assert_eq!(line(&text, "", "log-level"), format!("log-level = \"error\"  # {path}:1"));
}

#[test]
fn an_error_has_a_position_and_a_suggestion() {
    let program = Program::new("enfomq");
    for (text, expected) in [
        ("\n  stop-timout = \"1s\"", "2:3: unknown key `stop-timout`; did you mean `stop-timeout`?"),
        ("[[frontends]]\n", "1:3: unknown key `frontends`; did you mean `frontend`?"),
        ("[[frontend]]\nbinds = []", "2:1: unknown key `binds` in [[frontend]]; did you mean `bind`?"),
        ("xyzzy = 1", "1:1: unknown key `xyzzy`"),
        ("stop-timeout = \"soon\"", "1:16: stop-timeout: \"soon\" isn't a time such as"),
        ("stop-timeout = 5", "1:16: stop-timeout: invalid type: integer `5`, expected a time such as"),
        ("log-format = \"xml\"", "1:14: log-format: unknown variant `xml`, expected `text` or `json`"),
        ("log-level = \"inof\"", "1:13: log-level: \"inof\" isn't a log level"),
        (
            "[[backend]]\nbind = [\n  \"tcp://127.0.0.1:6001\",\n  \"inproc://x\",\n]",
            "4:3: bind: \"inproc://x\" isn't an endpoint such as",
        ),
        ("[[backend]]\nconnect = [\"tcp://*:1\"]", "2:12: connect: \"tcp://*:1\" isn't an endpoint such as"),
        ("connections = \"many\"", "1:15: connections: \"many\" isn't a number: invalid digit"),
        ("connections = -1", "1:15: connections: \"-1\" isn't a number: invalid digit"),
        ("queue = \"16 bananas\"", "1:9: queue: \"16 bananas\" isn't a size such as"),
        ("frontend = 1", "1:12: `frontend` is a list of tables: [[frontend]]"),
        ("[frontend]\n", "1:1: `frontend` is a list of tables: [[frontend]]"),
        ("stop-timeout = \"1s", "1:19: "),
        ("stop-timeout = \"1s\"\nstop-timeout = \"2s\"", "2:1: "),
    ] {
        let error = program.error(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    let program = Program::new("enfoslb");
    for (text, expected) in [
        ("[[frontend]]\n", "1:3: unknown key `frontend`"),
        ("[[service]]\nname = \"other\"", "2:8: the name of the only service is \"default\""),
        ("[[service]]\n[[service]]\nname = \"default\"", "3:8: a second service, where only one may be"),
        (
            "[[service]]\n[service.frontent]\n",
            "2:10: unknown key `frontent` in [[service]]; did you mean `frontend`?",
        ),
        (
            "[[service]]\n[service.backend]\nheartbaet = \"1s\"",
            "3:1: unknown key `heartbaet` in [service.backend]; did you mean `heartbeat`?",
        ),
    ] {
        let error = program.error(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_wrong_value_names_its_variable() {
    let program = Program::new("enfomq").with("ENFOMQ_STOP_TIMEOUT", "soon");
    let output = program.output(&["--check"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("'soon'") && text.contains("ENFOMQ_STOP_TIMEOUT"), "{text}");
}

#[test]
fn settings_that_do_not_fit_together_name_their_origins() {
    let program = Program::new("enfomq");
    let path = program.file("plain-users = \"users\"\n");
    let output = program.output(&["--config", &path, "--backend-curve-secret", "key"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains(&format!("`plain-users` ({path}:1) excludes `curve-secret` (--backend-curve-secret)")),
        "{text}"
    );
    let path = program.file("[[frontend]]\n[[frontend]]\n");
    let output = program.output(&["--config", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("frontend 2 has neither `bind` nor `connect`"));
    let missing = program.folder.path().join("missing").display().to_string();
    let output = program.output(&["--config", &missing]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&missing));
}

/// Removes the origins of printed settings.
fn without_origins(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.split("  # ").next().unwrap()).collect()
}

#[test]
fn checked_settings_are_a_file_that_gives_the_same_settings() {
    let program = Program::new("enfomq");
    let users = file(&program.folder, "users", 0o600, "ada:x\n");
    let path = program.file(&format!(
        "stop-timeout = \"1m 3s\"\n[[frontend]]\nbind = [\"tcp://127.0.0.1:6000\"]\n[[backend]]\n\
         connect = ['ipc://a\"b']\nplain-users = {users:?}\n[[backend]]\nbind = [\"tcp://127.0.0.1:6001\"]\nconnections = 10\n\
         max-message-size = 4096\nqueue = \"1 MiB\"\n"
    ));
    for (program, arguments) in [
        (&program, &["--config", &path, "--log-level", "info", "--max-frames", "7"][..]),
        (&program, &[]),
        (&Program::new("enfoslb"), &["--backend-heartbeat", "1s", "--plain-users", &users]),
    ] {
        let first = program.check(arguments);
        let again = program.folder.path().join("again.toml");
        std::fs::write(&again, &first).unwrap();
        let second = program.check(&["--config", again.to_str().unwrap()]);
        assert_eq!(without_origins(&first), without_origins(&second));
    }
}

#[test]
fn check_reads_the_files_of_credentials_and_binds_nothing() {
    let program = Program::new("enfomq");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp://{}", taken.local_addr().unwrap());
    let users = file(&program.folder, "users", 0o600, "ada:hunter2\n");
    let text = program.check(&["--frontend", &taken, "--plain-users", &users]);
    assert!(!text.contains("hunter2"), "{text}");
    std::fs::write(&users, "hunter2\n").unwrap();
    let output = program.output(&["--check", "--plain-users", &users]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(text.contains("line 1: a user is a name") && !text.contains("hunter2"), "{text}");
}

#[test]
fn the_log_is_json_if_the_settings_say_so_and_has_no_time_under_journald() {
    let program = Program::new("enfomq");
    let log = |format: &str, is_journal: bool| {
        let path = program.folder.path().join("log");
        let stderr = std::fs::File::create(&path).unwrap();
        let arguments = ["--frontend", "tcp://*:*", "--backend", "tcp://127.0.0.1:*", "--log-format", format];
        let mut command = program.command(&arguments);
        if is_journal {
            command.env("JOURNAL_STREAM", journal_stream(&path));
        }
        let mut child = command.stdout(std::process::Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut ready = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut ready)
            .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let message = "listens beyond this machine";
    let text = log("text", false);
    assert!(text.contains(message) && text.starts_with("20"), "{text}");
    let text = log("text", true);
    assert!(text.contains(message) && text.trim_start().starts_with("WARN"), "{text}");
    for (is_journal, has_time) in [(false, true), (true, false)] {
        let text = log("json", is_journal);
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["level"], "WARN");
        assert!(line["fields"]["message"].as_str().unwrap().contains(message), "{line}");
        assert_eq!(line.get("timestamp").is_some(), has_time, "{line}");
    }
}

/// Returns the variable that journald sets for a process whose stderr is this file.
fn journal_stream(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let file = path.metadata().unwrap();
    format!("{}:{}", file.dev(), file.ino())
}

#[test]
fn an_entry_with_settings_of_its_own_is_a_socket_and_every_frontend_reaches_every_backend() {
    let program = Program::new("enfomq");
    let any = "bind = [\"tcp://127.0.0.1:*\"]\n";
    let path = program.file(&format!(
        "[[frontend]]\n{any}[[frontend]]\n{any}heartbeat = \"60s\"\n[[backend]]\n{any}[[backend]]\n{any}heartbeat = \"60s\"\n"
    ));
    for library in [Library::Libzmq, Library::Ours] {
        let broker = Process::start("enfomq", &["--config", &path]);
        assert_eq!((broker.frontend().len(), broker.backend().len()), (2, 2));
        let setup = Setup::new();
        let [one, two] =
            [0, 1].map(|n| setup.subscriber(library, &broker.backend()[n], &["n", ["~one", "~two"][n]]));
        let publishers = [0, 1].map(|n| setup.publisher(library, &broker.frontend()[n]));
        for (n, publisher) in publishers.iter().enumerate() {
            publisher.await_topics(&["n", "~one", "~two"]);
            publisher.send(&["n", &n.to_string()]);
            one.expect(&["n", &n.to_string()]);
            two.expect(&["n", &n.to_string()]);
        }
        // The topic stays until both backends have cancelled it.
        one.unsubscribe("n");
        one.subscribe("~three");
        publishers[0].await_topics(&["~three"]);
        publishers[0].send(&["n", "last"]);
        two.expect(&["n", "last"]);
        assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    }
}

#[test]
fn the_files_in_the_operations_guide_are_correct() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/operations.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let mut checked = Vec::new();
    for text in guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let name = text.strip_prefix("# ").and_then(|rest| rest.split(".toml").next()).unwrap();
        let name = ["enfomq", "enfoslb"].into_iter().find(|known| *known == name).unwrap();
        let program = Program::new(name);
        let path = program.file(text);
        let settings = program.check(&["--config", &path]);
        assert!(line(&settings, "", "stop-timeout").contains("10s"), "{settings}");
        checked.push(name);
    }
    assert_eq!(checked, ["enfomq", "enfoslb"]);
}
