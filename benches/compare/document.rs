//! Tables that the comparison writes into the project's documents.

use std::path::Path;
use std::time::SystemTime;

use clap::ValueEnum;
use enfonet_measure::Outcome;

use crate::case::{Case, FANS, PAIRS, SUMMARY, parse_list};
use crate::programs::Implementation;
use crate::table::{Plan, Row, head};

/// A generated table of `docs/performance.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Table {
    /// Two sockets, and brokers
    Pairs,
    /// One socket with many peers
    Fans,
}

impl Table {
    pub(crate) fn cases(self) -> Result<Vec<Case>, String> {
        parse_list(match self {
            Self::Pairs => PAIRS,
            Self::Fans => FANS,
        })
    }

    /// Returns the implementations of the columns.
    pub(crate) fn implementations(self) -> Vec<Implementation> {
        use Implementation::{Enfonet, Libzmq, Monocoque, Omq};
        match self {
            Self::Pairs => Implementation::all(),
            Self::Fans => vec![Libzmq, Enfonet, Monocoque, Omq],
        }
    }

    /// Returns the lines before and behind the table in a document.
    const fn markers(self) -> [&'static str; 2] {
        match self {
            Self::Pairs => ["<!-- comparison: begin -->", "<!-- comparison: end -->"],
            Self::Fans => {
                ["<!-- comparison of many peers: begin -->", "<!-- comparison of many peers: end -->"]
            }
        }
    }

    /// Returns whether a run gives every figure of the table. A smaller run would mix figures of different days.
    pub(crate) fn is_complete(self, plan: &Plan) -> bool {
        self.cases().is_ok_and(|cases| cases.iter().all(|case| plan.cases.contains(case)))
            && plan.implementations == self.implementations()
    }

    /// Writes all rows to `docs/performance.md`, and from the first table the rows of the summary to `README.md`.
    pub(crate) fn write(self, project: &Path, plan: &Plan, rows: &[Row]) -> Outcome {
        let caption = caption(plan, SystemTime::now());
        let table = format!("{caption}\n\n{}", full(plan, rows));
        self.replace_in(&project.join("docs/performance.md"), &table)?;
        if self == Self::Fans {
            return Ok(());
        }
        let summary = parse_list(SUMMARY)?;
        let summarized: Vec<_> = rows.iter().filter(|row| summary.contains(&row.case)).collect();
        self.replace_in(&project.join("README.md"), &ratios(&summarized))
    }

    fn replace_in(self, path: &Path, lines: &str) -> Outcome {
        let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| describe(&error))?;
        let text = replace_between(self.markers(), &text, lines).map_err(|error| describe(&error))?;
        std::fs::write(path, text).map_err(|error| describe(&error))?;
        eprintln!("wrote the table in {}", path.display());
        Ok(())
    }
}

/// Returns `text` with `lines` in place of the lines between its two markers.
fn replace_between([begin, end]: [&str; 2], text: &str, lines: &str) -> Result<String, &'static str> {
    let (before, rest) = text.split_once(begin).ok_or("no marker where the table begins")?;
    let (_, after) = rest.split_once(end).ok_or("no marker where the table ends")?;
    if after.contains(begin) {
        return Err("more than one table");
    }
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", lines.trim_end()))
}

/// Returns the conditions of a run as a sentence.
fn caption(plan: &Plan, now: SystemTime) -> String {
    let date = humantime::format_rfc3339_seconds(now).to_string();
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let (date, os) = (&date[.."2026-01-01".len()], std::env::consts::OS);
    let (rounds, seconds) = (plan.rounds, plan.seconds);
    format!("Medians of {rounds} interleaved rounds of {seconds} s, {date}, {os}, {cores} cores, loopback.")
}

/// Returns the table of all implementations.
fn full(plan: &Plan, rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| format!("{row}\n"));
    format!("{}\n{}", head(plan), lines.collect::<String>())
}

/// Returns the table that compares EnfoNet with libzmq only.
fn ratios(rows: &[&Row]) -> String {
    let mut table = "| | libzmq | EnfoNet | EnfoNet ÷ libzmq |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        let figures = [Implementation::Libzmq, Implementation::Enfonet].map(|it| row.value(it));
        let [libzmq, enfonet] =
            figures.map(|value| value.map_or_else(|| "–".into(), |value| row.case.figure(value)));
        let ratio = match figures {
            [Some(libzmq), Some(enfonet)] => format!("{:.2}×", enfonet / libzmq),
            _ => "–".into(),
        };
        table += &format!("| {} | {libzmq} | {enfonet} | {ratio} |\n", row.case);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::case::Case;
    use crate::table::tests::row;

    #[test]
    fn lines_between_the_markers_are_replaced_and_all_others_stay() {
        let [begin, end] = Table::Pairs.markers();
        let text = format!("before\n\n{begin}\nold\nlines\n{end}\n\nbehind\n");
        let new = replace_between([begin, end], &text, "new\n").unwrap();
        assert_eq!(new, format!("before\n\n{begin}\n\nnew\n\n{end}\n\nbehind\n"));
        assert_eq!(replace_between([begin, end], &new, "new").unwrap(), new, "written again");
    }

    #[test]
    fn a_document_without_both_markers_or_with_two_tables_is_an_error() {
        let [begin, end] = Table::Fans.markers();
        let table = format!("{begin}\n{end}\n");
        for text in [String::new(), begin.into(), end.into(), format!("{end}{begin}"), table.repeat(2)] {
            assert!(replace_between([begin, end], &text, "new").is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_documents_of_the_project_have_the_markers() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let places = [
            (Table::Pairs, "README.md"),
            (Table::Pairs, "docs/performance.md"),
            (Table::Fans, "docs/performance.md"),
        ];
        for (table, document) in places {
            let text = std::fs::read_to_string(project.join(document)).unwrap();
            replace_between(table.markers(), &text, "new")
                .unwrap_or_else(|error| panic!("{document}: {error}"));
        }
    }

    #[test]
    fn the_summary_is_part_of_the_table_and_has_at_most_eight_rows() {
        let (all, summary) = (parse_list(PAIRS).unwrap(), parse_list(SUMMARY).unwrap());
        assert!(summary.len() <= 8 && summary.iter().all(|case| all.contains(case)));
    }

    #[test]
    fn only_a_run_over_everything_is_written() {
        let plan = |cases: &str, implementations| Plan {
            cases: parse_list(cases).unwrap(),
            implementations,
            rounds: 3,
            seconds: 2,
        };
        assert!(Table::Pairs.is_complete(&plan(PAIRS, Implementation::all())));
        assert!(!Table::Pairs.is_complete(&plan("thr:32", Implementation::all())));
        assert!(
            !Table::Pairs.is_complete(&plan(PAIRS, vec![Implementation::Libzmq, Implementation::Enfonet]))
        );
        assert!(Table::Fans.is_complete(&plan(FANS, Table::Fans.implementations())));
        let caption = caption(&plan(PAIRS, vec![]), SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
        assert!(caption.starts_with("Medians of 3 interleaved rounds of 2 s, 1970-01-02, "), "{caption}");
    }

    #[test]
    fn the_summary_shows_one_ratio_to_a_row() {
        use Implementation::{Enfonet, Libzmq, Omq};
        let rows =
            [row(&[(Libzmq, Some(2e6)), (Enfonet, Some(5e6)), (Omq, Some(1.0))]), row(&[(Libzmq, None)])];
        let table = ratios(&rows.iter().collect::<Vec<_>>());
        let label = Case::Thr { size: 32 };
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [format!("| {label} | 2.00 M/s | 5.00 M/s | 2.50× |"), format!("| {label} | – | – | – |")]
        );
    }
}
