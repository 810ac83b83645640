//! Files of users and keys: the files that `enfomq` writes, and the files that are an error.

use std::os::unix::fs::PermissionsExt;

use enfonet::auth::{KeyPair, SecretKey, new_key_pair};
use enfonet_tests::{Process, file};
use tempfile::tempdir;

/// Returns the error line for these arguments, without its beginning.
#[track_caller]
fn start_error(arguments: &[&str]) -> String {
    let line = Process::start_error("enfomq", arguments);
    line.strip_prefix("enfomq: ").unwrap().trim_end().into()
}

#[test]
fn a_new_key_file_is_readable_by_its_owner_only_and_the_public_key_is_printed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    let argument = path.to_str().unwrap();
    let output = Process::output("enfomq", &["--new-key", argument]);
    assert!(output.status.success());
    assert_eq!(output.stderr, b"");
    let secret = std::fs::read_to_string(&path).unwrap();
    let keys = KeyPair::new(secret.strip_suffix('\n').unwrap().parse::<SecretKey>().unwrap());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n", keys.public()));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        start_error(&["--new-key", argument]),
        format!("{argument}: File exists (os error 17); it isn't overwritten, choose another name")
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), secret);
}

#[test]
fn a_secret_that_others_may_read_is_an_error() {
    let folder = tempdir().unwrap();
    let key = format!("{}\n", *new_key_pair().secret().to_z85());
    for (argument, text) in [("--plain-users", "ada:hunter2\n"), ("--curve-secret", &*key)] {
        for mode in [0o604, 0o620, 0o650, 0o777] {
            let path = file(&folder, "secret", mode, text);
            assert_eq!(
                start_error(&[argument, &path]),
                format!(
                    "{path}: users other than its owner and group can read it, or users other than its owner change it \
                     (mode {mode:o}): chmod 600 {path}"
                )
            );
        }
    }
}

#[test]
fn a_secret_readable_by_its_group_is_accepted_as_kubernetes_mounts_it() {
    let folder = tempdir().unwrap();
    for mode in [0o400, 0o440, 0o640] {
        let users = file(&folder, "users", mode, "ada:x\n");
        let any = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];
        let broker = Process::start("enfomq", &[&any[..], &["--plain-users", &users]].concat());
        assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
        std::fs::remove_file(users).unwrap();
    }
}

#[test]
fn a_file_of_another_user_is_an_error() {
    let folder = tempdir().unwrap();
    let users = file(&folder, "users", 0o600, "ada:x\n");
    // Only root can change a file's owner; other users have the unit test of the rule.
    if std::os::unix::fs::chown(&users, Some(1), None).is_ok() {
        assert!(start_error(&["--plain-users", &users]).contains("belongs to another user (uid 1)"));
    }
}

#[test]
fn a_list_of_clients_that_others_may_change_is_an_error() {
    let folder = tempdir().unwrap();
    let key = file(&folder, "key", 0o600, &new_key_pair().secret().to_z85());
    for mode in [0o664, 0o646, 0o622] {
        let clients = file(&folder, "clients", mode, &new_key_pair().public().to_string());
        let line = start_error(&["--curve-secret", &key, "--curve-clients", &clients]);
        assert!(line.contains("users other than its owner can change it"), "{mode:o}: {line}");
    }
}

#[test]
fn an_invalid_line_is_named_and_not_shown() {
    let folder = tempdir().unwrap();
    let keys = new_key_pair();
    let (secret, public) = (keys.secret().to_z85(), keys.public().to_string());
    let key = file(&folder, "key", 0o600, &secret);
    for (argument, text, expected) in [
        ("--plain-users", "# ours\nada:x\nhunter2\n", "line 3: a user is a name, a colon and a password"),
        ("--plain-users", "ada:x\n\nada:hunter2\n", "line 3: the same name as in line 1"),
        ("--plain-users", "# ada:hunter2\n", "it names no peer, so that none could be admitted"),
        ("--curve-secret", "hunter2\n", "line 1: a key has 40 characters, this one has 7"),
        (
            "--curve-secret",
            &format!("\n{}\n", "hunter2~".repeat(5)),
            "line 2: a key consists of the characters of Z85, this one doesn't",
        ),
        ("--curve-secret", &format!("{}\nhunter2\n", *secret), "line 2: a second key, where only one may be"),
        ("--curve-secret", "", "it has no key; --new-key makes one"),
        (
            "--curve-clients",
            &format!("{public} ada\nhunter2\n"),
            "line 2: a key has 40 characters, this one has 7",
        ),
        ("--curve-clients", &format!("{public} ada\n{public}\n"), "line 2: the same key as in line 1"),
        ("--curve-clients", "\n", "it names no peer, so that none could be admitted"),
    ] {
        let path = file(&folder, "bad", 0o600, text);
        let also: &[&str] = if argument == "--curve-clients" { &["--curve-secret", &key] } else { &[] };
        assert_eq!(start_error(&[&[argument, &path], also].concat()), format!("{path}: {expected}"));
    }
}

#[test]
fn a_missing_file_is_an_error() {
    let folder = tempdir().unwrap();
    let key = file(&folder, "key", 0o600, &new_key_pair().secret().to_z85());
    let missing = folder.path().join("missing").display().to_string();
    for arguments in [
        &["--plain-users", &missing][..],
        &["--curve-secret", &missing],
        &["--curve-secret", &key, "--curve-clients", &missing],
        &["--new-key", &format!("{missing}/key")],
    ] {
        assert!(start_error(arguments).starts_with(&missing), "{arguments:?}");
    }
}

#[test]
fn contradictory_arguments_are_an_error() {
    let folder = tempdir().unwrap();
    let (public, secret) = (new_key_pair(), new_key_pair());
    let users = file(&folder, "users", 0o600, "ada:hunter2\n");
    let key = file(&folder, "key", 0o600, &secret.secret().to_z85());
    let clients = file(&folder, "clients", 0o644, &public.public().to_string());
    let new = folder.path().join("new").display().to_string();
    for (arguments, about) in [
        (&["--plain-users", &users, "--curve-secret", &key][..], ["--plain-users", "--curve-secret"]),
        (&["--plain-users", &users, "--curve-clients", &clients], ["--plain-users", "--curve-clients"]),
        (&["--curve-clients", &clients], ["missing", "--curve-secret"]),
        (&["--demo", "--plain-users", &users], ["--demo", "--plain-users"]),
        (&["--demo", "--curve-secret", &key], ["--demo", "--curve-secret"]),
        (&["--new-key", &new, "--curve-secret", &key], ["--new-key", "other"]),
    ] {
        let line = Process::misuse("enfomq", arguments);
        assert!(about.iter().all(|about| line.contains(about)), "{line}");
    }
    assert!(!std::path::Path::new(&new).exists());
}

#[test]
fn help_explains_curve_without_a_list_of_clients() {
    let help = String::from_utf8(Process::output("enfomq", &["--help"]).stdout).unwrap();
    assert!(
        help.contains("Without --curve-clients every peer that knows the public key is admitted"),
        "{help}"
    );
}
