//! `enfoslb` as a program: ready line, errors, demo.

use enfonet_tests::{LIBRARIES, Library, Process, file, ipc};
use tempfile::tempdir;

use crate::setup::Setup;

const ANY: &str = "tcp://127.0.0.1:*";

#[test]
fn every_endpoint_of_a_side_leads_to_every_worker() {
    let setup = Setup::new();
    let ((_front, front), (_back, back)) = (ipc(), ipc());
    let sides = ["--frontend", ANY, "--frontend", &front, "--backend", ANY, "--backend", &back];
    let broker = Process::start("enfoslb", &sides);
    let (frontend, backend) = (broker.frontend(), broker.backend());
    assert_eq!(
        broker.ready(),
        format!("ready frontend={},{front} backend={},{back}\n", frontend[0], backend[0])
    );
    let workers: Vec<_> =
        backend.iter().map(|endpoint| setup.peer(Library::Libzmq, zmq::REP, endpoint)).collect();
    let clients: Vec<_> = frontend
        .iter()
        .zip(LIBRARIES)
        .map(|(endpoint, library)| setup.peer(library, zmq::DEALER, endpoint))
        .collect();
    for client in &clients {
        // Two concurrent requests, so that each worker has one.
        client.send(&["", "1"]);
        client.send(&["", "2"]);
        for worker in &workers {
            let request = worker.recv();
            worker.send(&request);
            client.expect(&[&b""[..], &request[0]]);
        }
    }
    assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
}

#[test]
fn unsupported_arguments_are_an_error() {
    let broker = Process::start("enfoslb", &["--frontend", ANY, "--backend", ANY]);
    let taken = &*broker.frontend()[0];
    assert!(Process::start_error("enfoslb", &["--frontend", ANY, "--backend", taken]).contains(taken));
    let misused: [(&[&str], &str); 4] = [
        (&["--frontend", "nonsense", "--backend", ANY], "nonsense"),
        (&["--backend-connect", ANY, "--frontend", ANY], "tcp://127.0.0.1:"),
        (&["--backendd", ANY], "a similar argument exists: '--backend'"),
        (&["surplus"], "surplus"),
    ];
    for (arguments, about) in misused {
        let text = Process::misuse("enfoslb", arguments);
        assert!(text.contains(about), "{text}");
    }
}

#[test]
fn invalid_users_and_keys_are_the_same_errors_as_in_enfomq() {
    let folder = tempdir().unwrap();
    let users = file(&folder, "users", 0o644, "ada:hunter2\n");
    let line = Process::start_error("enfoslb", &["--plain-users", &users]);
    assert!(line.contains("mode 644") && line.contains("chmod 600"), "{line}");
    let users = file(&folder, "users", 0o600, "hunter2\n");
    let line = Process::start_error("enfoslb", &["--plain-users", &users]);
    assert!(line.contains("line 1") && !line.contains("hunter2"), "{line}");
    let key = folder.path().join("key").display().to_string();
    let output = Process::output("enfoslb", &["--new-key", &key]);
    assert_eq!((output.status.success(), output.stdout.len()), (true, 41));
    assert!(Process::misuse("enfoslb", &["--curve-secret", &key, "--demo"]).contains("--demo"));
}

#[test]
fn help_is_no_error() {
    let output = Process::output("enfoslb", &["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("--backend-connect"));
    assert_eq!(output.stderr, b"");
}

#[test]
fn the_demo_prints_its_messages_until_it_is_interrupted() {
    let mut demo = Process::start("enfoslb", &["--demo", "--frontend", ANY, "--backend", ANY]);
    let mut missing = vec![
        "client ann: 0² = 0",
        "client ann: 3² = 9",
        "client bob: 7² = 49",
        "server one is asked for ",
        "server two is asked for ",
    ];
    while !missing.is_empty() {
        let line = demo.line();
        assert_ne!(line, "", "it goes on");
        missing.retain(|part| !line.contains(part));
    }
    assert_eq!(demo.signal("INT").0, Some(0));
}
