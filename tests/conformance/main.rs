//! Checks the conformance tables beside this file against the tests and files that exist.
//!
//! Each row states whether we keep one rule, its source, the files that keep it, and the tests that show it. A row
//! that names a test or file that was renamed or deleted fails here, as does a rule without a status.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod real;
mod table;

use std::path::Path;

/// Returns all tables with their names.
fn tables() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    tables.sort();
    tables
}

#[test]
fn every_row_is_complete_and_its_tests_exist() {
    let tables = tables();
    let rules = |begin: &str| {
        let lines = tables.iter().flat_map(|(_, text)| text.lines());
        lines.filter(|line| line.starts_with(begin)).count()
    };
    assert_eq!(rules("| Z-"), 210, "rules of ZMTP");
    assert_eq!(rules("| S-"), 195, "rules of sockets");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let faults = table::faults(&tables, &real::tests(), |path| root.join(path).is_file());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
