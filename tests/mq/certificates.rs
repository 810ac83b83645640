//! Certificates of czmq and pyzmq as the files of CURVE keys.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use enfonet::auth::{KeyPair, new_key_pair};
use enfonet_tests::{CurveKeys, Process, PySocket, PyZmq, file, frames};
use tempfile::tempdir;

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];

/// Returns a certificate as czmq writes it, with the secret key if `is_secret`.
fn czmqs(keys: &KeyPair, name: &str, is_secret: bool) -> String {
    let secret = format!("    secret-key = \"{}\"\n", *keys.secret().to_z85());
    format!(
        "#   ****  Generated on 2026-12-01 12:00:00 by CZMQ  ****\n#   ZeroMQ CURVE Certificate\n\nmetadata\n    \
         email = \"{name}@example.org\"\n    name = \"{name}\"\ncurve\n    public-key = \"{}\"\n{}",
        keys.public(),
        if is_secret { &secret } else { "" }
    )
}

fn in_z85(keys: &KeyPair) -> CurveKeys {
    CurveKeys { public: keys.public().to_string(), secret: keys.secret().to_z85().to_string() }
}

/// Returns a socket of pyzmq's with a client's key, connected to a broker.
fn client(py: &PyZmq, kind: &str, broker: &str, keys: &CurveKeys, at: &str) -> PySocket {
    let socket = py.socket(kind).curve(broker, keys);
    if kind == "SUB" {
        socket.subscribe("");
    }
    socket.connect(at);
    socket
}

/// Asserts that these clients exchange a message.
#[track_caller]
fn assert_admitted(py: &PyZmq, process: &Process, broker: &str, [publishing, subscribing]: [&CurveKeys; 2]) {
    let publisher = client(py, "XPUB", broker, publishing, &process.frontend()[0]);
    let subscriber = client(py, "SUB", broker, subscribing, &process.backend()[0]);
    assert_eq!(publisher.recv(), frames(["\x01"]));
    publisher.send(&["message"]);
    assert_eq!(subscriber.recv(), frames(["message"]));
}

#[test]
fn a_broker_and_its_clients_have_the_certificates_that_pyzmq_writes() {
    let (py, folder) = (PyZmq::start(), tempdir().unwrap());
    let clients = folder.path().join("clients");
    fs::create_dir(&clients).unwrap();
    let broker = py.certificate(folder.path(), "broker");
    let keys = ["ada", "grace"].map(|name| py.certificate(&clients, name));
    // pyzmq leaves the secret readable.
    let secret = folder.path().join("broker.key_secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let files = ["--curve-secret", secret.to_str().unwrap(), "--curve-clients", clients.to_str().unwrap()];
    let process = Process::start("enfomq", &[&ANY[..], &files].concat());
    assert_admitted(&py, &process, &broker.public, [&keys[0], &keys[1]]);
    let unknown = client(&py, "SUB", &broker.public, &py.curve_keys(), &process.backend()[0]);
    assert_eq!(unknown.wait_event("HANDSHAKE_FAILED_AUTH"), 400);
}

#[test]
fn a_broker_and_its_clients_have_the_certificates_that_czmq_writes() {
    let (py, folder) = (PyZmq::start(), tempdir().unwrap());
    let [broker, ada] = [new_key_pair(), new_key_pair()];
    let secret = file(&folder, "broker.cert_secret", 0o600, &czmqs(&broker, "broker", true));
    let public = file(&folder, "ada.cert", 0o644, &czmqs(&ada, "Ada", false));
    let files = ["--curve-secret", &secret, "--curve-clients", &public];
    let process = Process::start("enfomq", &[&ANY[..], &files].concat());
    assert_admitted(&py, &process, &broker.public().to_string(), [&in_z85(&ada), &in_z85(&ada)]);
}

/// Asserts that `enfomq` doesn't start with these clients, and says why.
#[track_caller]
fn assert_rejected(secret: &str, clients: &Path, expected: &str) {
    let line = Process::start_error(
        "enfomq",
        &["--curve-secret", secret, "--curve-clients", clients.to_str().unwrap()],
    );
    assert_eq!(line.strip_prefix("enfomq: ").unwrap().trim_end(), expected);
}

#[test]
fn a_directory_of_clients_has_certificates_only_and_each_key_once() {
    let (folder, clients) = (tempdir().unwrap(), tempdir().unwrap());
    let [broker, ada] = [new_key_pair(), new_key_pair()];
    let secret = file(&folder, "key", 0o600, &broker.secret().to_z85());
    let (shown, at) = (clients.path().display(), clients.path());
    let _ = file(&clients, ".hidden", 0o644, "no certificate");
    let _ = file(&clients, "ada.key_secret", 0o600, "no certificate");
    assert_rejected(&secret, at, &format!("{shown}: it names no peer, so that none could be admitted"));
    let _ = file(&clients, "ada.key", 0o644, &czmqs(&ada, "Ada", false));
    let second = file(&clients, "bea.key", 0o644, &czmqs(&ada, "Bea", false));
    assert_rejected(&secret, at, &format!("{second}: it has the same key as {shown}/ada.key"));
    let list = file(&clients, "bea.key", 0o644, &ada.public().to_string());
    assert_rejected(&secret, at, &format!("{list}: it isn't a certificate: it has no section \"curve\""));
    let broken = file(&clients, "bea.key", 0o644, "curve\n    public-key = \"hunter2\"\n");
    assert_rejected(&secret, at, &format!("{broken}: line 2: a key has 40 characters, this one has 7"));
    let _ = file(&clients, "bea.key", 0o646, &czmqs(&broker, "Bea", false));
    let others = "users other than its owner can change it (mode 646)";
    assert_rejected(&secret, at, &format!("{shown}/bea.key: {others}: chmod go-w {shown}/bea.key"));
    let _ = file(&clients, "bea.key", 0o644, &czmqs(&broker, "Bea", false));
    fs::set_permissions(at, fs::Permissions::from_mode(0o777)).unwrap();
    let others = "users other than its owner can change it (mode 777)";
    assert_rejected(&secret, at, &format!("{shown}: {others}: chmod go-w {shown}"));
}

#[test]
fn a_certificate_that_cannot_be_the_brokers_is_an_error() {
    let folder = tempdir().unwrap();
    let [keys, other] = [new_key_pair(), new_key_pair()];
    let mixed = czmqs(&keys, "broker", true).replace(&keys.public().to_string(), &other.public().to_string());
    for (mode, text, expected) in [
        (
            0o600,
            czmqs(&keys, "broker", false),
            "it is a public certificate: the secret key is in another file, whose name ends in _secret",
        ),
        (0o600, mixed, "its public key doesn't belong to its secret key"),
        (0o644, czmqs(&keys, "broker", true), "users other than its owner and group can read it"),
    ] {
        let path = file(&folder, "broker", mode, &text);
        let line = Process::start_error("enfomq", &["--curve-secret", &path]);
        assert!(line.contains(&format!("{path}: {expected}")), "{line}");
    }
}
