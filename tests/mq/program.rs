//! `enfomq` as a program: ready line, errors, demo.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use enfonet_tests::{Process, ipc};

const ANY: &str = "tcp://127.0.0.1:*";

/// Asserts that the program ends with an error message that contains `about`.
#[track_caller]
fn assert_start_error(arguments: &[&str], about: &str) {
    let line = Process::start_error("enfomq", arguments);
    assert!(line.contains(about), "{line}");
}

/// Asserts that the program ends with its usage and a message that contains `about`.
#[track_caller]
fn assert_misused(arguments: &[&str], about: &str) {
    let text = Process::misuse("enfomq", arguments);
    assert!(text.contains(about) && text.contains("--help"), "{text}");
}

#[test]
fn the_ready_line_names_every_endpoint_with_its_port() {
    let (_folder, file) = ipc();
    let broker = Process::start("enfomq", &["--frontend", ANY, "--frontend", &file, "--backend", ANY]);
    let (frontend, backend) = (broker.frontend(), broker.backend());
    assert_eq!(
        broker.ready(),
        format!("ready frontend={},{} backend={}\n", frontend[0], frontend[1], backend[0])
    );
    let port = |endpoint: &str| endpoint.strip_prefix("tcp://127.0.0.1:").and_then(|p| p.parse::<u16>().ok());
    assert!(port(&frontend[0]).is_some_and(|port| port > 0));
    assert!(port(&backend[0]).is_some_and(|port| port > 0));
    assert_eq!(frontend[1], file);
    assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
}

#[test]
fn a_stopped_broker_frees_its_endpoints() {
    let (folder, file) = ipc();
    let mut port = ANY.to_string();
    for signal in ["TERM", "INT", "TERM"] {
        let broker = Process::start("enfomq", &["--frontend", &file, "--backend", &port]);
        port.clone_from(&broker.backend()[0]);
        assert_eq!(broker.signal(signal), (Some(0), String::new()));
        assert!(!folder.path().join("socket").exists());
    }
}

#[test]
fn an_invalid_endpoint_is_an_error() {
    for bad in
        ["nonsense", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:70000", "udp://127.0.0.1:1", "ipc://", ""]
    {
        for side in ["--frontend", "--backend", "--frontend-connect", "--backend-connect"] {
            let other = if side.starts_with("--f") { "--backend" } else { "--frontend" };
            assert_misused(&[side, bad, other, ANY], bad);
        }
    }
    let connect = ["--frontend-connect", ANY, "--backend", ANY];
    assert_misused(&connect, "tcp://127.0.0.1:");
    assert_misused(&["--frontend", "inproc://name", "--backend", ANY], "inproc://name");
    let with_source = "tcp://127.0.0.1:0;127.0.0.1:1";
    assert!(Process::misuse("enfomq", &["--frontend", with_source, "--backend", ANY]).contains(with_source));
}

#[test]
fn an_endpoint_in_use_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp://{}", taken.local_addr().unwrap());
    assert_start_error(&["--frontend", &taken, "--backend", ANY], &taken);
    let (_folder, file) = ipc();
    let broker = Process::start("enfomq", &["--frontend", ANY, "--backend", &file]);
    for taken in [&broker.frontend()[0], &file] {
        assert_start_error(&["--frontend", ANY, "--backend", taken], taken);
        assert_start_error(&["--frontend", taken, "--backend", ANY], taken);
    }
}

#[test]
fn a_failed_start_leaves_files_unchanged() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp://{}", taken.local_addr().unwrap());
    let (folder, at) = ipc();
    let path = folder.path().join("socket");
    std::fs::write(&path, "precious").unwrap();
    assert_start_error(&["--frontend", &at, "--backend", ANY], "isn't a socket");
    assert_start_error(&["--frontend", &at, "--backend", &taken], &at);
    assert_start_error(&["--frontend", ANY, "--backend", &at], &at);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    std::fs::remove_file(&path).unwrap();
    assert_start_error(&["--frontend", &at, "--backend", &taken], &taken);
    assert!(!path.exists(), "it takes its own socket along");
}

#[test]
fn unknown_arguments_are_an_error_with_a_suggestion() {
    assert_misused(&["--frontendd", ANY], "a similar argument exists: '--frontend'");
    assert_misused(&["--frontend"], "--frontend");
    assert_misused(&["surplus"], "surplus");
    assert_misused(&["--stop-timeout", "soon"], "soon");
}

#[test]
fn an_unknown_host_is_an_error_of_bind_and_is_retried_by_connect() {
    const UNKNOWN: &str = "tcp://no-such-host.invalid:5555";
    assert_start_error(&["--frontend", UNKNOWN, "--backend", ANY], UNKNOWN);
    let mut broker = Process::logging("enfomq", &["--frontend-connect", UNKNOWN, "--backend", ANY]);
    let line = broker.log_line();
    assert!(line.contains("WARN") && line.contains(UNKNOWN) && line.contains("can't be resolved"), "{line}");
    broker.notify("TERM");
    assert_eq!(broker.end().0, Some(0));
}

#[test]
fn only_a_broker_open_to_other_machines_without_security_warns() {
    let log = |frontend: &str| {
        let broker = Process::logging("enfomq", &["--frontend", frontend, "--backend", ANY]);
        broker.notify("TERM");
        broker.end().1
    };
    assert_eq!(log(ANY), [""; 0]);
    let lines = log("tcp://*:*");
    assert!(
        lines.len() == 1 && lines[0].contains("beyond this machine") && lines[0].contains("tcp://0.0.0.0:"),
        "{lines:?}"
    );
    assert!(!lines[0].contains('\x1b'), "no colours in a file: {lines:?}");
}

#[test]
fn a_closed_stdout_ends_neither_broker_with_an_error() {
    for program in ["enfomq", "enfoslb"] {
        let arguments = ["--frontend", ANY, "--backend", ANY];
        let mut broker = Process::unread(program, &arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(broker.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("can't print that the broker is ready"), "{line}");
        assert!(Command::new("kill").args(["-TERM", &broker.id().to_string()]).status().unwrap().success());
        assert_eq!(broker.wait().unwrap().code(), Some(0));
        for (arguments, code) in [(&["--help"][..], 0), (&["--version"], 0), (&["surplus"], 2)] {
            assert_eq!(
                Process::unread(program, arguments).stderr(Stdio::null()).status().unwrap().code(),
                Some(code)
            );
        }
        let demo = [&arguments[..], &["--demo"]].concat();
        assert_eq!(Process::unread(program, &demo).status().unwrap().code(), Some(0), "the demo is over");
        // A closed stderr ends neither broker, too.
        let (_, nobody) = std::io::pipe().unwrap();
        let unresolvable = ["--frontend", "tcp://no-such-host.invalid:1", "--backend", ANY];
        assert_eq!(Process::unread(program, &unresolvable).stderr(nobody).status().unwrap().code(), Some(1));
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for (argument, expected) in [
        ("--help", "--frontend-connect"),
        ("--help", "[default: tcp://127.0.0.1:5557, without --frontend-connect]"),
        ("--help", "[default: 4s]"),
        ("--help", "SIGTERM"),
        ("--help", "Examples:"),
        ("--help", "NO_COLOR"),
        ("--version", "enfomq "),
    ] {
        let output = Process::output("enfomq", &[argument]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected));
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn the_demo_prints_its_messages_until_it_is_interrupted() {
    let mut demo = Process::start("enfomq", &["--demo", "--frontend", ANY, "--backend", ANY]);
    let mut missing = vec![
        "producer weather.lisbon",
        "producer weather.porto",
        "consumer all         weather.lisbon",
        "consumer all         weather.porto",
        "consumer porto only  weather.porto",
    ];
    while !missing.is_empty() {
        let line = demo.line();
        assert_ne!(line, "", "it goes on");
        assert!(!line.contains("porto only  weather.lisbon"), "{line}");
        missing.retain(|part| !line.contains(part));
    }
    let (code, _) = demo.signal("INT");
    assert_eq!(code, Some(0));
}
