//! Words that the glossary retires, and their search in a text.

use std::path::Path;

/// A word that the code uses no more, and the term that the glossary gives instead.
#[derive(Debug)]
pub(crate) struct Retired {
    pub(crate) word: String,
    pub(crate) term: String,
    /// Parts of a word in lower case: they are found within identifiers and sentences. Empty for the name of an item,
    /// which is found as a whole.
    parts: Vec<String>,
}

/// Text that may contain a retired word, since the word isn't ours.
const EXCEPTIONS: [&str; 1] = [
    // Methods of std's addresses.
    ".octets()",
];

impl Retired {
    fn new(word: &str, term: &str) -> Self {
        let is_name = word.starts_with(|c: char| c.is_uppercase());
        let parts = if is_name { vec![] } else { parts(word).collect() };
        Self { word: word.to_owned(), term: term.to_owned(), parts }
    }
}

/// Reads the retired words from the tables of the glossary: the code spans of the last of four columns.
pub(crate) fn read(glossary: &Path) -> Vec<Retired> {
    let text = std::fs::read_to_string(glossary).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix('|')?.split(" |").map(str::trim).collect();
        let [term, .., words] = cells[..] else { return None };
        Some(code_spans(words).map(|word| Retired::new(word, term)).collect::<Vec<_>>())
    });
    rows.flatten().collect()
}

/// Returns the retired words that stand in a line.
pub(crate) fn find<'a>(retired: &'a [Retired], line: &str, is_rust: bool) -> Vec<&'a Retired> {
    let line = EXCEPTIONS.iter().fold(line.to_owned(), |line, exception| line.replace(exception, ""));
    let phrases: Vec<Vec<String>> = phrases(&line).collect();
    let code = names(&line, is_rust);
    let is_found = |word: &&Retired| match &word.parts[..] {
        [] => code.split(|c: char| !is_word(c)).any(|name| name == word.word),
        parts => phrases.iter().any(|phrase| phrase.windows(parts.len()).any(|found| found == parts)),
    };
    retired.iter().filter(is_found).collect()
}

/// Returns the parts of a line that may be names of items: code, but in a comment or document only code spans.
fn names(line: &str, is_rust: bool) -> String {
    let (code, prose) = match line.split_once("//") {
        _ if !is_rust => ("", line),
        Some((code, comment)) => (code, comment),
        None => (line, ""),
    };
    let spans = code_spans(prose).fold(String::new(), |spans, span| spans + " " + span);
    format!("{code}{spans}")
}

pub(crate) fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns the names in a text that are written like those of types.
pub(crate) fn type_names(text: &str) -> impl Iterator<Item = &str> {
    let is_type = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
    };
    text.split(|c: char| !is_word(c)).filter(is_type)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns sequences of words that are separated by single spaces, each word in its parts.
fn phrases(line: &str) -> impl Iterator<Item = Vec<String>> {
    line.split(|c: char| !is_word(c) && c != ' ').map(|phrase| parts(phrase).collect())
}

/// Splits words and identifiers, at spaces, underscores and capitals, into parts in lower case.
fn parts(words: &str) -> impl Iterator<Item = String> {
    words.split([' ', '_']).flat_map(|word| {
        let mut parts: Vec<String> = Vec::new();
        let mut was_lower = false;
        for c in word.chars() {
            if (c.is_uppercase() && was_lower) || parts.is_empty() {
                parts.push(String::new());
            }
            was_lower = !c.is_uppercase();
            parts.last_mut().expect("there is one").extend(c.to_lowercase());
        }
        parts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str, is_rust: bool) -> Vec<String> {
        let retired = [("octet", "byte"), ("give way", "yield"), ("Link", "session")];
        let retired = retired.map(|(word, term)| Retired::new(word, term));
        find(&retired, line, is_rust).into_iter().map(|retired| retired.word.clone()).collect()
    }

    #[test]
    fn a_word_is_found_in_prose_and_within_identifiers() {
        for line in ["// An octet.", "let first_octet = 1;", "struct OctetCount;", "//! See `OCTET_COUNT`."] {
            assert_eq!(found(line, true), ["octet"], "{line}");
        }
        for line in ["// They give way.", "fn give_way() {}", "GiveWay"] {
            assert_eq!(found(line, true), ["give way"], "{line}");
        }
    }

    #[test]
    fn other_words_and_exceptions_are_not_found() {
        for line in ["doctet", "octette", "to give a way", "give, way", "ip.octets()", "octets of std"] {
            assert!(found(line, true).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_name_is_found_as_a_whole_in_code_and_in_code_spans() {
        for line in ["impl Link for X {}", "// A [`Link`] or `Link::new`.", "x: Arc<dyn Link>, // why"] {
            assert_eq!(found(line, true), ["Link"], "{line}");
        }
        for line in ["LinkedList", "// Link them.", "let link = 1;"] {
            assert!(found(line, true).is_empty(), "{line}");
        }
        assert_eq!(found("A `Link`.", false), ["Link"]);
        assert!(found("Link it.", false).is_empty());
    }

    #[test]
    fn the_glossary_gives_words_and_terms() {
        let path = std::env::temp_dir().join(format!("enfonet-glossary-{}", std::process::id()));
        let rows = "| term | meaning | source | instead of |\n|---|---|---|---|\n\
            | byte | 8 bits. | std | `octet`, `octets` |\n| batch | A `Batch`. | EnfoNet | |\n";
        std::fs::write(&path, rows).unwrap();
        let retired = read(&path);
        std::fs::remove_file(path).unwrap();
        let pairs: Vec<_> = retired.iter().map(|it| (it.word.as_str(), it.term.as_str())).collect();
        assert_eq!(pairs, [("octet", "byte"), ("octets", "byte")]);
    }
}
