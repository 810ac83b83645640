//! Installation of pyzmq by the first test that needs it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Returns a Python with pyzmq, installed below the build's target folder.
#[track_caller]
pub(super) fn python() -> PathBuf {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| install().map(|venv| venv.join("bin/python")))
        .clone()
        .expect("pyzmq is installed")
}

fn install() -> Result<PathBuf, String> {
    let test = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let venv = target.ok_or("the test isn't in a target folder")?.join("pyzmq");
    let setup = Command::new("timeout")
        .args(["600", concat!(env!("CARGO_MANIFEST_DIR"), "/pyzmq/setup")])
        .arg(&venv)
        .output();
    let output = setup.map_err(|error| error.to_string())?;
    if output.status.success() { Ok(venv) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}
