//! Names of the workspace's current tests.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Returns the names of all tests that are run: the target without `enfonet_`, and the path of the test in it.
pub(crate) fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (target, executable) in executables() {
        let ignored = list(&executable, &["--ignored"]);
        let run = list(&executable, &[]).into_iter().filter(|test| !ignored.contains(test));
        names.extend(run.map(|test| format!("{target}::{test}")));
    }
    names
}

/// Returns the test executables of the workspace with the names of their targets. They were built together with
/// this one, so nothing is built unless only a part of the workspace is tested.
fn executables() -> Vec<(String, String)> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace", "--no-run", "--offline", "--quiet", "--message-format=json"]);
    cargo.args(profile()).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().filter_map(|line| executable(&serde_json::from_str(line).expect("JSON"))).collect()
}

/// Returns the arguments that select the profile of this test: the folder above `deps` has the profile's name.
fn profile() -> Vec<String> {
    let this = std::env::current_exe().expect("a path");
    let folder = this.ancestors().nth(2).and_then(Path::file_name).expect("a folder of the profile");
    match folder.to_str().expect("text") {
        "debug" => Vec::new(),
        other => vec!["--profile".into(), other.into()],
    }
}

/// Returns target and path from cargo's message about a test executable.
fn executable(message: &Value) -> Option<(String, String)> {
    if message["profile"]["test"] != true {
        return None;
    }
    let target = message["target"]["name"].as_str()?.replace('-', "_");
    let target = target.strip_prefix("enfonet_").unwrap_or(&target);
    Some((target.into(), message["executable"].as_str()?.into()))
}

fn list(executable: &str, more: &[&str]) -> Vec<String> {
    let listing = ["--list", "--format", "terse"];
    let output = Command::new(executable).args(listing).args(more).output().expect("it runs");
    assert!(output.status.success(), "{executable}: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().filter_map(|line| line.strip_suffix(": test")).map(Into::into).collect()
}
