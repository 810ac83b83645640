//! Checks of the language of the project: how comments open, and words that `docs/glossary.md` retires.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod words;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Openings that withhold the subject of a comment.
const OPENINGS: [&str; 6] = ["Who", "Whose", "What", "So many", "The same", "One who"];

/// Documents that name retired words: the glossary, and the history of changes.
const EXEMPT: [&str; 2] = ["docs/glossary.md", "CHANGELOG.md"];

/// Returns the root of the repository.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the files below a folder that have one of these extensions, without build results and hidden folders.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_source = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !path.join("CACHEDIR.TAG").exists() && name != "corpus"
    };
    entries
        .filter(|path| is_source(path))
        .flat_map(|path| match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extensions.contains(&extension) => vec![path],
            _ if path.is_dir() => files(&path, extensions),
            _ => vec![],
        })
        .collect()
}

/// Returns a line for each fault that `check` finds in a line of a file.
fn faults(extensions: &[&str], check: impl Fn(&Path, &str) -> Vec<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for path in files(workspace(), extensions) {
        let text = std::fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(workspace()).unwrap();
        for (number, line) in text.lines().enumerate() {
            let found = check(path, line).into_iter();
            faults.extend(found.map(|fault| {
                let (path, number) = (path.display(), number + 1);
                format!("{path}:{number}: {fault}: {}", line.trim())
            }));
        }
    }
    faults
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
    let faults = faults(&["rs"], |_, line| {
        let opening = comment(line).and_then(retired_opening).into_iter();
        opening.map(|opening| format!("{opening:?} withholds the subject")).collect()
    });
    assert!(faults.is_empty(), "{} comments to reword:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn no_retired_word_is_used() {
    let retired = words::read(&workspace().join("docs/glossary.md"));
    assert!(!retired.is_empty(), "the glossary retires words");
    let faults = faults(&["rs", "md", "proto", "toml"], |path, line| {
        // The test's own words are examples.
        if EXEMPT.iter().any(|exempt| path == Path::new(exempt)) || path.starts_with("tests/language") {
            return vec![];
        }
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let found = words::find(&retired, line, is_rust).into_iter();
        found.map(|it| format!("{:?} is retired, write {:?} (docs/glossary.md)", it.word, it.term)).collect()
    });
    assert!(faults.is_empty(), "{} retired words:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn types_that_the_documents_name_exist() {
    let sources = files(workspace(), &["rs"]).into_iter();
    let sources: Vec<_> = sources.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let defined: HashSet<_> = sources.iter().flat_map(|text| words::type_names(text)).collect();
    let is_prose =
        |path: &Path| ["ARCHITECTURE.md", "docs/glossary.md"].iter().any(|it| path == Path::new(it));
    let faults = faults(&["md"], |path, line| {
        // In the glossary, the columns of sources and retired words name types of others.
        let cells = line.splitn(4, " |").take(if line.starts_with('|') { 2 } else { 4 });
        let named = cells.filter(|_| is_prose(path)).flat_map(words::code_spans).flat_map(words::type_names);
        named.filter(|name| !defined.contains(name)).map(|name| format!("no source has {name:?}")).collect()
    });
    assert!(faults.is_empty(), "{} unknown types:\n{}", faults.len(), faults.join("\n"));
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
