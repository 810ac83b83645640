//! The mechanical part of how comments are written here: CONTRIBUTING has all of it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::{Path, PathBuf};

/// Openings that withhold the subject of a comment.
const OPENINGS: [&str; 6] = ["Who", "Whose", "What", "So many", "The same", "One who"];

/// Rust files below a folder, build results aside.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            Some(extension) if extension == "rs" => vec![path],
            _ if path.is_dir() && !path.join("CACHEDIR.TAG").exists() => sources(&path),
            _ => vec![],
        })
        .collect()
}

/// Returns the words of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    let words = line.trim_start().strip_prefix("//")?;
    words.trim_start_matches(['/', '!']).strip_prefix(' ')
}

/// Returns the opening that a comment must not have, if it has one.
fn retired_opening(comment: &str) -> Option<&'static str> {
    OPENINGS.into_iter().find(|opening| {
        comment.strip_prefix(opening).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    })
}

#[test]
fn comments_open_with_their_subject_or_a_verb() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut faults = Vec::new();
    for path in sources(workspace) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if let Some(opening) = comment(line).and_then(retired_opening) {
                let path = path.strip_prefix(workspace).unwrap().display();
                faults.push(format!(
                    "{path}:{}: {opening:?} withholds the subject: {}",
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} comments to reword:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn an_opening_is_seen_in_every_kind_of_comment_and_only_as_a_word() {
    for line in ["// What", "    /// Who asks.", "//! The same.", "/// So many, and no more."] {
        assert!(comment(line).and_then(retired_opening).is_some(), "{line}");
    }
    for line in
        ["// Whatever", "/// The sameness.", "let x = 1; // What", "/// Returns what is left.", "//What"]
    {
        assert!(comment(line).and_then(retired_opening).is_none(), "{line}");
    }
}
