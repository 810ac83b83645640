//! SIGHUP reloads settings and credentials, all or nothing, while messages flow.

use std::path::PathBuf;

use enfonet::auth::{KeyPair, PlainCredentials, Security, new_key_pair};
use enfonet::message::Subscription;
use enfonet::socket::XPubEvent;
use enfonet::{Dealer, Options, Sub, XPub};
use enfonet_tests::{Process, Runtime, eventually, file};
use tempfile::{TempDir, tempdir};

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];
const NAMES: [&str; 4] = ["ada", "bob", "eve", "fay"];

/// Credentials of some users, in files.
struct Logins {
    folder: TempDir,
    /// Keys of the broker and of the users, with CURVE.
    keys: Option<(KeyPair, Vec<KeyPair>)>,
}

impl Logins {
    fn plain() -> Self {
        Self { folder: tempdir().unwrap(), keys: None }
    }

    fn curve() -> Self {
        let keys = (new_key_pair(), NAMES.iter().map(|_| new_key_pair()).collect());
        Self { folder: tempdir().unwrap(), keys: Some(keys) }
    }

    fn users_file(&self) -> PathBuf {
        self.folder.path().join("users")
    }

    /// Writes the file with these users, as an editor does that replaces it.
    fn admit(&self, names: &[&str]) {
        let line = |name: &&str| match &self.keys {
            None => format!("{name}:{name}'s\n"),
            Some((_, keys)) => format!("{} {name}\n", keys[index(name)].public()),
        };
        let new = file(&self.folder, "new", 0o600, &names.iter().map(line).collect::<String>());
        std::fs::rename(new, self.users_file()).unwrap();
    }

    /// Returns the arguments of a broker with these users.
    fn arguments(&self) -> Vec<String> {
        let users = self.users_file().display().to_string();
        match &self.keys {
            None => vec!["--plain-users".into(), users],
            Some((broker, _)) => {
                let key = file(&self.folder, "key", 0o600, &broker.secret().to_z85());
                vec!["--curve-secret".into(), key, "--curve-clients".into(), users]
            }
        }
    }

    fn options(&self, name: &str) -> Options {
        Options::default().recv_hwm(0).send_hwm(0).security(match &self.keys {
            None => Security::PlainClient(
                PlainCredentials::new(name.to_owned(), format!("{name}'s").into_bytes()).unwrap(),
            ),
            Some((broker, keys)) => {
                Security::CurveClient { keys: keys[index(name)].clone(), server: *broker.public() }
            }
        })
    }
}

fn index(name: &str) -> usize {
    NAMES.iter().position(|known| *known == name).unwrap()
}

/// Starts a broker at log level info.
fn start(program: &str, arguments: &[String]) -> Process {
    let arguments = arguments.iter().map(String::as_str).chain(["--log-level", "info"]);
    Process::logging(program, &ANY.into_iter().chain(arguments).collect::<Vec<_>>())
}

/// Sends SIGHUP, and returns the log line about the reload.
fn reload(broker: &mut Process) -> String {
    broker.notify("HUP");
    outcome(broker)
}

/// Returns the next log line about a reload.
fn outcome(broker: &mut Process) -> String {
    loop {
        let line = broker.log_line();
        assert_ne!(line, "", "the broker runs");
        if line.contains("reloaded") || line.contains("reload failed") {
            return line;
        }
    }
}

struct Publisher<'r>(XPub, &'r Runtime);

impl<'r> Publisher<'r> {
    fn connect(runtime: &'r Runtime, options: Options, broker: &Process) -> Self {
        let (_guard, socket) = (runtime.enter(), XPub::with_options(options));
        socket.connect(broker.frontend()[0].as_str()).unwrap();
        Self(socket, runtime)
    }

    fn publish(&self, number: u32) {
        self.1.run(self.0.send(["n", &number.to_string()])).unwrap();
    }

    /// Waits until a topic is subscribed to, or cancelled.
    fn wait(&self, topic: &str, is_subscribed: bool) {
        loop {
            let XPubEvent::Subscription { subscription, .. } = self.1.run(self.0.recv()).unwrap() else {
                continue;
            };
            match subscription {
                Subscription::Subscribe(it) if is_subscribed && it == topic => return,
                Subscription::Cancel(it) if !is_subscribed && it == topic => return,
                _ => {}
            }
        }
    }
}

fn subscriber(runtime: &Runtime, options: Options, broker: &Process, topics: [&str; 2]) -> Sub {
    let (_guard, socket) = (runtime.enter(), Sub::with_options(options));
    socket.connect(broker.backend()[0].as_str()).unwrap();
    topics.into_iter().for_each(|topic| socket.subscribe(topic));
    socket
}

#[test]
fn a_removed_user_is_disconnected_and_the_others_keep_all_messages() {
    for logins in [Logins::plain(), Logins::curve()] {
        logins.admit(&["ada", "bob", "eve"]);
        let mut broker = start("enfomq", &logins.arguments());
        let runtime = Runtime::new();
        let publisher = Publisher::connect(&runtime, logins.options("ada"), &broker);
        let bob = subscriber(&runtime, logins.options("bob"), &broker, ["n", "~bob"]);
        let eve = subscriber(&runtime, logins.options("eve"), &broker, ["n", "~eve"]);
        publisher.wait("~bob", true);
        // A first subscription of eve's may precede bob's.
        eve.subscribe("~~eve");
        publisher.wait("~~eve", true);
        (0..100).for_each(|n| publisher.publish(n));
        logins.admit(&["ada", "bob", "fay"]);
        broker.notify("HUP");
        (100..200).for_each(|n| publisher.publish(n));
        publisher.wait("~~eve", false);
        (200..300).for_each(|n| publisher.publish(n));
        let fay = subscriber(&runtime, logins.options("fay"), &broker, ["m", "~fay"]);
        publisher.wait("~fay", true);
        for n in 0..300 {
            assert_eq!(runtime.run(bob.recv()).unwrap(), ["n", &n.to_string()]);
        }
        assert!(eve.peers().is_empty() && !fay.peers().is_empty());
        let line = reload(&mut broker);
        assert!(line.contains("INFO"), "{line}");
        broker.notify("TERM");
        assert_eq!(broker.end().0, Some(0));
    }
}

#[test]
fn a_wrong_or_half_written_file_changes_nothing() {
    let logins = Logins::plain();
    logins.admit(&["ada", "bob", "fay"]);
    let path = logins.folder.path().join("broker.toml");
    let good = format!("plain-users = {:?}\nlog-format = \"text\"\n", logins.users_file());
    std::fs::write(&path, &good).unwrap();
    let mut broker = start("enfomq", &["--config".into(), path.display().to_string()]);
    let runtime = Runtime::new();
    let publisher = Publisher::connect(&runtime, logins.options("ada"), &broker);
    let bob = subscriber(&runtime, logins.options("bob"), &broker, ["n", "~bob"]);
    publisher.wait("~bob", true);
    let mut number = 0;
    let mut check = |broker: &mut Process, expected: &str| {
        broker.notify("HUP");
        (0..20).for_each(|n| publisher.publish(number + n));
        let line = outcome(broker);
        assert!(
            line.contains("ERROR") && line.contains("nothing is changed") && line.contains(expected),
            "{line}"
        );
        for n in 0..20 {
            assert_eq!(runtime.run(bob.recv()).unwrap(), ["n", &(number + n).to_string()]);
        }
        number += 20;
        assert_eq!((publisher.0.peers().len(), bob.peers().len()), (1, 1));
        let fay = subscriber(&runtime, logins.options("fay"), broker, ["m", "~fay"]);
        publisher.wait("~fay", true);
        drop(fay);
        publisher.wait("~fay", false);
    };
    for (text, expected) in [
        (&good[..8], "broker.toml:1:"),
        (&good[..good.len() - 4], "broker.toml:2:"),
        ("plain-user = \"x\"", "did you mean `plain-users`?"),
        ("stop-timeout = \"soon\"", "stop-timeout"),
        ("plain-users = \"/no/such/file\"", "/no/such/file"),
    ] {
        std::fs::write(&path, text).unwrap();
        check(&mut broker, expected);
    }
    std::fs::write(&path, &good).unwrap();
    std::fs::write(logins.users_file(), "ada:ada's\nbo").unwrap();
    check(&mut broker, "line 2: a user is a name, a colon and a password");
    std::fs::write(logins.users_file(), "").unwrap();
    check(&mut broker, "it names no peer");
    logins.admit(&["ada", "bob"]);
    let line = reload(&mut broker);
    assert!(line.contains("INFO"), "{line}");
    broker.notify("TERM");
    assert_eq!(broker.end().0, Some(0));
}

#[test]
fn the_log_level_changes_at_once_and_the_other_changed_keys_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("broker.toml");
    std::fs::write(&path, "log-level = \"warn\"").unwrap();
    let path_text = path.display().to_string();
    let arguments = [&ANY[..], &["--config", &path_text, "--log-format", "text"]].concat();
    let mut broker = Process::logging("enfomq", &arguments);
    // A flag precedes the file at a reload, too.
    std::fs::write(
        &path,
        "log-level = \"info\"\nstop-timeout = \"9s\"\nlog-format = \"json\"\n[[backend]]\nheartbeat = \"5s\"\n",
    )
    .unwrap();
    let line = reload(&mut broker);
    assert!(line.contains("WARN") && line.contains("need a restart"), "{line}");
    assert!(line.contains("keys=\"stop-timeout, heartbeat of backend 1\""), "{line}");
    std::fs::write(&path, "log-level = \"info\"").unwrap();
    let line = reload(&mut broker);
    assert!(line.contains("INFO") && line.contains("reloaded"), "{line}");
    std::fs::write(&path, "plain-users = \"users\"").unwrap();
    let line = reload(&mut broker);
    assert!(line.contains("reload failed") && line.contains("users"), "{line}");
    let users = file(&folder, "users", 0o600, "ada:x\n");
    std::fs::write(&path, format!("plain-users = {users:?}")).unwrap();
    let line = reload(&mut broker);
    assert!(line.contains("mechanism of frontend 1, mechanism of backend 1"), "{line}");
    broker.notify("TERM");
    assert_eq!(broker.end().0, Some(0));
}

#[test]
fn enfoslb_disconnects_a_removed_client_and_worker() {
    let logins = Logins::plain();
    logins.admit(&["ada", "bob", "eve", "fay"]);
    let mut broker = start("enfoslb", &logins.arguments());
    let runtime = Runtime::new();
    let connect = |name: &str, at: &str| {
        let (_guard, socket) = (runtime.enter(), Dealer::with_options(logins.options(name)));
        socket.connect(at).unwrap();
        eventually(|| (!socket.peers().is_empty()).then_some(()));
        socket
    };
    let (front, back) = (broker.frontend()[0].clone(), broker.backend()[0].clone());
    let (ada, eve) = (connect("ada", &front), connect("eve", &front));
    let (bob, fay) = (connect("bob", &back), connect("fay", &back));
    let identities = [ada.peers()[0].info.id, bob.peers()[0].info.id];
    logins.admit(&["ada", "bob"]);
    assert!(reload(&mut broker).contains("INFO"));
    eventually(|| (eve.peers().is_empty() && fay.peers().is_empty()).then_some(()));
    assert_eq!([ada.peers()[0].info.id, bob.peers()[0].info.id], identities, "they stay connected");
    broker.notify("TERM");
    assert_eq!(broker.end().0, Some(0));
}

#[test]
fn a_user_with_other_rules_comes_back_with_them_and_the_others_stay() {
    let logins = Logins::plain();
    logins.admit(&["ada", "bob", "eve"]);
    let rules = |eve: &str| {
        let text = format!("ada pub=*\nbob sub=*\neve sub={eve}\n");
        std::fs::rename(file(&logins.folder, "new", 0o600, &text), logins.folder.path().join("rules"))
            .unwrap();
        logins.folder.path().join("rules").display().to_string()
    };
    let arguments = [logins.arguments(), vec!["--rules".into(), rules("n,~")]].concat();
    let mut broker = start("enfomq", &arguments);
    let runtime = Runtime::new();
    let publisher = Publisher::connect(&runtime, logins.options("ada"), &broker);
    let bob = subscriber(&runtime, logins.options("bob"), &broker, ["n", "~bob"]);
    let eve = subscriber(&runtime, logins.options("eve"), &broker, ["secret", "~eve"]);
    publisher.wait("~bob", true);
    eve.subscribe("~~eve");
    publisher.wait("~~eve", true);
    let id = bob.peers()[0].info.id;
    rules("secret,~");
    assert!(reload(&mut broker).contains("INFO"));
    publisher.wait("secret", true);
    assert_eq!(bob.peers()[0].info.id, id, "other peers stay connected");
    broker.notify("TERM");
    assert_eq!(broker.end().0, Some(0));
}
