//! The broker programs with files of users and keys.

use enfonet::auth::{KeyPair, SecretKey, new_key_pair};
use enfonet_tests::{Process, PyZmq};
use tempfile::tempdir;

use super::credentials::{ANYWHERE, Lock, locks};
use super::mq::{converse, publisher, subscriber};
use super::slb::{admitted, ask};

/// Starts a program on free ports.
fn start(program: &str, arguments: &[String]) -> Process {
    let arguments = arguments.iter().map(|argument| &**argument);
    Process::start(
        program,
        &["--frontend", ANYWHERE, "--backend", ANYWHERE].into_iter().chain(arguments).collect::<Vec<_>>(),
    )
}

#[test]
fn enfomq_serves_known_peers() {
    let [near, far] = [PyZmq::start(), PyZmq::start()];
    for lock in locks() {
        let folder = tempdir().unwrap();
        let broker = start("enfomq", &lock.arguments(&folder));
        for (py, kind, at) in [(&near, "XPUB", broker.frontend()), (&far, "SUB", broker.backend())] {
            let unauthorized = lock.unauthorize(py.socket(kind));
            unauthorized.connect(&at[0]);
            lock.await_rejection(&unauthorized);
        }
        let publisher = publisher(&near, &lock, &broker.frontend()[0]);
        converse(&publisher, subscriber(&far, &lock, &broker.backend()[0], "a"));
        assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    }
}

#[test]
fn enfoslb_serves_known_peers() {
    let [near, far] = [PyZmq::start(), PyZmq::start()];
    for lock in locks() {
        let folder = tempdir().unwrap();
        let broker = start("enfoslb", &lock.arguments(&folder));
        for (py, kind, at) in [(&near, "REQ", broker.frontend()), (&far, "REP", broker.backend())] {
            let unauthorized = lock.unauthorize(py.socket(kind));
            unauthorized.connect(&at[0]);
            lock.await_rejection(&unauthorized);
        }
        let client = admitted(&near, "REQ", &lock, &broker.frontend()[0]);
        ask(&client, &admitted(&far, "REP", &lock, &broker.backend()[0]));
        assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    }
}

#[test]
fn a_new_key_without_a_list_admits_every_client_that_knows_the_public_key() {
    let (py, folder) = (PyZmq::start(), tempdir().unwrap());
    let path = folder.path().join("key").display().to_string();
    let public = String::from_utf8(Process::output("enfomq", &["--new-key", &path]).stdout).unwrap();
    let secret: SecretKey = std::fs::read_to_string(&path).unwrap().trim_end().parse().unwrap();
    let [broker, other] = [KeyPair::new(secret), new_key_pair()];
    assert_eq!(public.trim_end(), broker.public().to_string());
    let process = start("enfomq", &["--curve-secret".into(), path]);
    let wrong = Lock::Curve { broker: other, client: new_key_pair() };
    let mistaken = subscriber(&py, &wrong, &process.backend()[0], "");
    mistaken.wait_event("DISCONNECTED");
    let [lock, another] = [(); 2].map(|()| Lock::Curve { broker: broker.clone(), client: new_key_pair() });
    let publisher = publisher(&py, &lock, &process.frontend()[0]);
    converse(&publisher, subscriber(&py, &another, &process.backend()[0], "a"));
}
