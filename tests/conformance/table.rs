//! Tables of rules, and the faults in them.
//!
//! A row is `| id | rule | source | kept in | status | argument, tests |`. The source is the section of an RFC, or the
//! manual page, option or file of libzmq. Files that keep the rule stand in backticks; `-` stands for none. Tests
//! stand in backticks and have `::` in their names; the rest of their cell is the argument.

use std::collections::{BTreeMap, BTreeSet};

/// One rule: its status, the files that keep it, and the tests that show it.
#[derive(Debug)]
struct Row<'a> {
    id: &'a str,
    /// Prefix and number of the id. Neighbours share the prefix.
    place: (&'a str, u32),
    source: &'a str,
    files: Vec<&'a str>,
    status: &'a str,
    tests: Vec<&'a str>,
    is_argued: bool,
}

/// Returns the faults of these tables, one line a fault. `tests` are the tests that exist; `is_file` returns whether
/// a path of the repository is a file.
pub(crate) fn faults(
    tables: &[(String, String)],
    tests: &BTreeSet<String>,
    is_file: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: BTreeMap<(&str, u32), String> = BTreeMap::new();
    for (name, text) in tables {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| is_row(line)) {
            let line_number = format!("{name}:{}", at + 1);
            let Some(row) = Row::parse(line) else {
                faults.push(format!(
                    "{line_number}: not a row of an id, a rule, a source, files, a status, and tests"
                ));
                continue;
            };
            let of_row = row.faults(tests, &is_file).into_iter();
            faults.extend(of_row.map(|fault| format!("{line_number}: {} {fault}", row.id)));
            if let Some(first) = seen.insert(row.place, line_number.clone()) {
                faults.push(format!("{line_number}: {} is there already, at {first}", row.id));
            }
        }
    }
    faults.extend(gaps(seen.keys().copied()));
    faults
}

/// Returns true for a row of a rule, false for the heading of the columns and the line below it.
fn is_row(line: &str) -> bool {
    let first = line.strip_prefix('|').and_then(|line| line.split('|').next()).map(str::trim);
    first.is_some_and(|first| first != "id" && !(first.len() > 2 && first.bytes().all(|byte| byte == b'-')))
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let cells = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        let [id, rule, source, kept_in, status, shown] =
            cells.split('|').map(str::trim).collect::<Vec<_>>().try_into().ok()?;
        let is_test = |text: &str| text.contains("::");
        let pieces = || shown.split('`').enumerate();
        let tests =
            pieces().filter(|(at, text)| at % 2 == 1 && is_test(text)).map(|(_, text)| text).collect();
        let is_argued =
            pieces().any(|(at, text)| text.contains(char::is_alphabetic) && (at % 2 == 0 || !is_test(text)));
        let files = kept_in.split('`').skip(1).step_by(2).collect();
        let place = split_id(id)?;
        (!rule.is_empty()).then_some(Self { id, place, source, files, status, tests, is_argued })
    }

    fn faults(&self, tests: &BTreeSet<String>, is_file: impl Fn(&str) -> bool) -> Vec<String> {
        let mut faults = Vec::new();
        if self.source.is_empty() {
            faults.push("names no source".into());
        }
        if matches!(self.status, "met" | "improved") && self.files.is_empty() {
            faults.push("names no file that keeps it".into());
        }
        let missing = self.files.iter().filter(|file| !is_file(file));
        faults.extend(missing.map(|file| format!("names {file}, which is no file")));
        if !["met", "improved", "declined"].contains(&self.status) {
            faults.push(format!("is {:?}: neither met nor improved nor declined", self.status));
        }
        if matches!(self.status, "met" | "improved") && self.tests.is_empty() {
            faults.push("names no test".into());
        }
        if matches!(self.status, "improved" | "declined") && !self.is_argued {
            faults.push(format!("is {} without an argument", self.status));
        }
        let unknown = self.tests.iter().filter(|test| !tests.contains(**test));
        faults.extend(unknown.map(|test| format!("names {test}, which is no test")));
        faults
    }
}

/// Splits an id into its prefix and its number: `Z-GREET-01` into `Z-GREET` and 1.
fn split_id(id: &str) -> Option<(&str, u32)> {
    let (prefix, number) = id.rsplit_once('-')?;
    let is_number = number.len() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    if prefix.is_empty() || !is_number { None } else { Some((prefix, number.parse().ok()?)) }
}

/// Returns a fault for each number that a prefix misses, counted from 1. `ids` are in order.
fn gaps<'a>(ids: impl Iterator<Item = (&'a str, u32)>) -> Vec<String> {
    let (mut faults, mut last) = (Vec::new(), ("", 0));
    for (prefix, number) in ids {
        let next = if prefix == last.0 { last.1 + 1 } else { 1 };
        faults.extend((next..number).map(|missing| format!("{prefix}-{missing:02} is missing")));
        last = (prefix, number);
    }
    faults
}

mod tests {
    use super::*;

    const GOOD: &str = "\
# Rules

| id | rule | source | kept in | status | shown by |
|---|---|---|---|---|---|
| Z-A-01 | first | RFC 1, Goals | `a.rs` | met | `wire::a::b` |
| Z-A-02 | second | RFC 1, Use | `a.rs`, `b.rs` | improved | It errs in `zmq_send`. `wire::a::b`, `zmtp::c` |

| id | rule | source | kept in | status | shown by |
| ---- | ---- | ---- | ---- | ---- | ---- |
| Z-B-01 | third | `zmq_send` | - | declined | Nobody asks for it. |
";

    fn faults_of(tables: &[&str]) -> Vec<String> {
        let tables: Vec<_> = tables.iter().map(|text| ("t.md".to_string(), (*text).to_string())).collect();
        let tests = ["wire::a::b", "zmtp::c"].map(String::from).into();
        faults(&tables, &tests, |path| ["a.rs", "b.rs"].contains(&path))
    }

    /// Asserts that the good table with one piece replaced has exactly this fault.
    #[track_caller]
    fn expect_fault(good: &str, bad: &str, fault: &str) {
        assert!(GOOD.contains(good));
        assert_eq!(faults_of(&[&GOOD.replace(good, bad)]), [fault]);
    }

    #[test]
    fn a_good_table_has_no_faults() {
        assert_eq!(faults_of(&[GOOD]), [""; 0]);
    }

    #[test]
    fn an_id_is_unique_across_all_tables() {
        expect_fault("Z-B-01", "Z-A-02", "t.md:10: Z-A-02 is there already, at t.md:6");
        let again = "| Z-B-01 | third | `zmq_send` | - | declined | Again. |";
        assert_eq!(faults_of(&[GOOD, again]), ["t.md:1: Z-B-01 is there already, at t.md:10"]);
    }

    #[test]
    fn ids_are_numbered_from_one_without_a_gap() {
        expect_fault("Z-A-01", "Z-A-03", "Z-A-01 is missing");
        expect_fault("Z-A-02", "Z-A-03", "Z-A-02 is missing");
        expect_fault("Z-B-01", "Z-B-02", "Z-B-01 is missing");
        assert_eq!(faults_of(&[&GOOD.replace("Z-A-02", "Z-A-04")]), ["Z-A-02", "Z-A-03"].map(missing));
    }

    fn missing(id: &str) -> String {
        format!("{id} is missing")
    }

    #[test]
    fn a_status_other_than_met_improved_or_declined_is_a_fault() {
        let open = "t.md:10: Z-B-01 is \"open\": neither met nor improved nor declined";
        expect_fault("declined", "open", open);
        let empty = "t.md:10: Z-B-01 is \"\": neither met nor improved nor declined";
        expect_fault("declined", "", empty);
    }

    #[test]
    fn met_and_improved_rows_name_existing_tests() {
        expect_fault("met | `wire::a::b`", "met | By hand.", "t.md:5: Z-A-01 names no test");
        expect_fault("`wire::a::b`, `zmtp::c`", "", "t.md:6: Z-A-02 names no test");
        expect_fault("zmtp::c", "zmtp::d", "t.md:6: Z-A-02 names zmtp::d, which is no test");
        expect_fault("zmtp::c", "zmtp::", "t.md:6: Z-A-02 names zmtp::, which is no test");
        let declined = "t.md:10: Z-B-01 names wire::gone, which is no test";
        expect_fault("asks for it.", "asks for it: `wire::gone`", declined);
    }

    #[test]
    fn improved_and_declined_rows_have_an_argument() {
        expect_fault("It errs in `zmq_send`. ", "", "t.md:6: Z-A-02 is improved without an argument");
        expect_fault("Nobody asks for it.", "`zmtp::c`.", "t.md:10: Z-B-01 is declined without an argument");
    }

    #[test]
    fn each_rule_has_a_source_and_each_kept_rule_a_file() {
        expect_fault("| RFC 1, Goals |", "| |", "t.md:5: Z-A-01 names no source");
        expect_fault("| `a.rs` |", "| - |", "t.md:5: Z-A-01 names no file that keeps it");
        expect_fault("`b.rs`", "`c.rs`", "t.md:6: Z-A-02 names c.rs, which is no file");
        expect_fault("| - |", "| `gone.rs` |", "t.md:10: Z-B-01 names gone.rs, which is no file");
    }

    #[test]
    fn a_row_has_six_cells_and_begins_with_an_id() {
        let fault = "t.md:10: not a row of an id, a rule, a source, files, a status, and tests";
        for bad in ["Z-B-01 | third", "Z-B-1", "Z-B-x1", "-01", "third", ""] {
            expect_fault("Z-B-01", bad, fault);
        }
        expect_fault("| third |", "| |", fault);
        expect_fault("Nobody asks for it. |", "Nobody asks for it.", fault);
    }
}
