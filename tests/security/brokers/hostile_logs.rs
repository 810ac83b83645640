//! Logs of the broker programs while hostile peers choose names that would write control characters into them.

use enfonet_tests::{Process, Script, command, file, greeting, greeting_of, message, properties, ready};
use tempfile::tempdir;

use super::credentials::ANYWHERE;

/// Bytes that clear a terminal, set its title, forge a line and write backwards, also by characters of UTF-8.
const HOSTILE: &str = "\x1b[2J\x1b]0;x\x07\r\nWARN \u{9b}\u{202e}\u{2028}";

/// The beginning of these bytes in a log line.
const ESCAPED: &str = r"\x1b[2J";

/// Starts a program that logs all that it can.
fn start(program: &str, more: &[&str]) -> Process {
    Process::tracing(program, &[&["--frontend", ANYWHERE, "--backend", ANYWHERE], more].concat())
}

/// Sends bytes to an endpoint, and waits until the connection ends.
fn attack(at: &str, bytes: &[Vec<u8>]) {
    let mut peer = Script::connect(at);
    peer.try_send(&bytes.concat());
    peer.expect_close();
}

fn attack_handshakes(at: &str) {
    let mut mechanism = greeting(1);
    mechanism[12..32].copy_from_slice(&HOSTILE.as_bytes()[..20]);
    attack(at, &[mechanism]);
    attack(at, &[greeting(1), ready(&[("Socket-Type", HOSTILE.as_bytes())])]);
    attack(at, &[greeting(1), ready(&[(HOSTILE, HOSTILE.as_bytes()), ("Socket-Type", b"PAIR")])]);
    let reason = [&[HOSTILE.len() as u8], HOSTILE.as_bytes()].concat();
    attack(at, &[greeting(1), command("ERROR", &reason)]);
    attack(at, &[greeting(1), command(HOSTILE, b"")]);
}

/// Asserts that the log has lines of the program only, and at least as many with escaped bytes of the peers.
#[track_caller]
fn assert_clean(process: Process, escaped: usize) {
    process.notify("TERM");
    let (code, lines) = process.end();
    assert_eq!(code, Some(0));
    for line in &lines {
        let is_plain =
            |text: &str| text.chars().all(|char| !char.is_control() && !"\u{202e}\u{2028}".contains(char));
        assert!(is_plain(line) && line.starts_with("20"), "{line:?}");
    }
    let shown = lines.iter().filter(|line| line.contains(ESCAPED)).count();
    assert!(shown >= escaped, "{shown} of {escaped}: {lines:#?}");
}

#[test]
fn publishers_and_subscribers_write_no_control_characters_into_the_log_of_enfomq() {
    let process = start("enfomq", &[]);
    attack_handshakes(&process.frontend()[0]);
    attack_handshakes(&process.backend()[0]);
    let mut subscriber = Script::join(&process.backend()[0], "SUB", 1);
    subscriber.send(&command("SUBSCRIBE", HOSTILE.as_bytes()));
    subscriber.settle();
    subscriber.send(&command("CANCEL", HOSTILE.as_bytes()));
    subscriber.settle();
    subscriber.send(&command(HOSTILE, b""));
    subscriber.leave();
    assert_clean(process, 10);
}

#[test]
fn clients_and_workers_write_no_control_characters_into_the_log_of_enfoslb() {
    let process = start("enfoslb", &[]);
    attack_handshakes(&process.frontend()[0]);
    attack_handshakes(&process.backend()[0]);
    let hello = [greeting(1), ready(&[("Socket-Type", b"DEALER"), ("Identity", HOSTILE.as_bytes())])];
    let mut owner = Script::connect(&process.frontend()[0]);
    owner.send(&hello.concat());
    owner.send(&message(&["no empty frame", HOSTILE]));
    owner.read(64);
    let len = owner.read(2)[1];
    owner.read(len.into());
    owner.settle();
    attack(&process.frontend()[0], &hello);
    owner.leave();
    assert_clean(process, 8);
}

#[test]
fn a_topic_that_a_rule_forbids_writes_no_control_characters_into_the_log() {
    let folder = tempdir().unwrap();
    let rules = file(&folder, "rules", 0o600, "* sub=news.\n");
    let process = start("enfomq", &["--rules", &rules]);
    let mut subscriber = Script::join(&process.backend()[0], "SUB", 1);
    subscriber.send(&command("SUBSCRIBE", HOSTILE.as_bytes()));
    subscriber.settle();
    let mut publisher = Script::join(&process.frontend()[0], "PUB", 1);
    publisher.send(&message(&[HOSTILE]));
    publisher.settle();
    subscriber.leave();
    publisher.leave();
    assert_clean(process, 2);
}

#[test]
fn users_write_no_control_characters_into_the_log() {
    let folder = tempdir().unwrap();
    let users = file(&folder, "users", 0o600, "ada:secret\n");
    for program in ["enfomq", "enfoslb"] {
        let process = start(program, &["--plain-users", &users]);
        let login = [&[HOSTILE.len() as u8], HOSTILE.as_bytes(), b"\x06secret"].concat();
        let metadata = properties(&[("Socket-Type", HOSTILE.as_bytes())]);
        for name in [login, b"\x03ada\x06secret".to_vec()] {
            let hello = command("HELLO", &name);
            attack(
                &process.frontend()[0],
                &[greeting_of("PLAIN", false), hello, command("INITIATE", &metadata)],
            );
        }
        assert_clean(process, 0);
    }
}
