//! `enfonet-compare`: EnfoNet beside libzmq and others, on this machine.
//!
//! ```text
//! enfonet-compare [CASE…] [--table pairs|fans] [--rounds N] [--seconds N] [--only NAME,…] [--project FOLDER]
//!     [--programs FOLDER]… [--verbose]
//! enfonet-compare scale [NAME…] [--rounds N] [--seconds N] [--into FOLDER]
//! ```
//!
//! Runs each CASE with each implementation in turn, for about `--seconds`, `--rounds` times over, and prints a table
//! in Markdown: the median, with its ratio to libzmq's in parentheses; the processor time for each message, of the
//! broker if there is one, else of all ends; the peak memory of the largest end; and for the queue broker the share of
//! published messages that a subscriber received.
//!
//! Without a CASE, it measures all cases of both tables of `docs/performance.md`, or of the one that `--table` names,
//! and writes the tables to the document and ratios to `README.md`, between the lines that mark the place (module
//! `document`). `--project` names the folder of both. Tables that `--only` or missing programs leave incomplete aren't
//! written.
//!
//! `scale` measures EnfoNet and libzmq over `sizes` of messages, `subscribers`, `subscriptions` and `connections`,
//! and the `latency` of requests over their rate; and both beside monocoque and OMQ over the number of peers of
//! `fan-out`, `fan-in` and `publish`. Each NAME (all if there is none) becomes a `.csv` and a `.svg` in
//! the folder.
//!
//! `benches/compare/run` builds the programs and runs this one, which finds them beside itself and in
//! `../peers/release`, or in the given folders. Implementations without a program are left out. It runs on Linux
//! only, since it reads processor time and memory from `/proc`. All programs use the loopback interface, have a
//! timeout of a minute, and are killed after their measurement.

mod case;
mod curve;
mod document;
mod endpoint;
mod fan;
mod measure;
mod plot;
mod process;
mod programs;
mod scale;
mod table;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use enfonet_measure::Outcome;

use crate::case::Case;
use crate::document::Table;
use crate::programs::{Implementation, Programs};
use crate::scale::Scale;
use crate::table::Plan;

/// EnfoNet beside libzmq and others, on this machine.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<More>,
    /// Cases to compare, such as thr:32; all of the tables if none is given
    cases: Vec<Case>,
    /// Table to measure; both if none is given
    #[arg(long, value_name = "NAME", conflicts_with = "cases")]
    table: Option<Table>,
    /// Number of rounds, of which the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Approximate seconds of a run of a case
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Implementations to compare
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Implementation>,
    /// Project folder, whose documents get the table if it is complete
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    programs: Folders,
}

#[derive(Debug, Subcommand)]
enum More {
    /// Measures how EnfoNet and libzmq scale
    Scale {
        /// Quantities to scale; all if none is given
        names: Vec<Scale>,
        /// Number of rounds, of which the median counts
        #[arg(long, default_value_t = 1)]
        rounds: usize,
        /// Approximate seconds of a run of a point
        #[arg(long, default_value_t = 2)]
        seconds: u64,
        /// Folder of data and pictures
        #[arg(long, value_name = "FOLDER", default_value = "docs/performance")]
        into: PathBuf,
        #[command(flatten)]
        programs: Folders,
    },
}

#[derive(Debug, Args)]
struct Folders {
    /// Folder of the programs; repeatable
    #[arg(long, value_name = "FOLDER")]
    programs: Vec<PathBuf>,
    /// Show what the programs print to stderr
    #[arg(long)]
    verbose: bool,
}

fn main() -> Outcome {
    let cli = Cli::parse();
    // For the sockets of thousands of peers. The programs inherit the limit.
    rlimit::increase_nofile_limit(u64::MAX)?;
    match cli.command {
        None => {
            let programs = Programs::new(cli.programs.programs, cli.programs.verbose)?;
            let plan = |cases, implementations: &[Implementation]| Plan {
                cases,
                implementations: present(&programs, implementations, &cli.only),
                rounds: cli.rounds,
                seconds: cli.seconds,
            };
            if !cli.cases.is_empty() {
                table::measure_all(&programs, &plan(cli.cases, &Implementation::all()));
                return Ok(());
            }
            let tables = cli.table.map_or_else(|| Table::value_variants().to_vec(), |table| vec![table]);
            for table in tables {
                let plan = plan(table.cases()?, &table.implementations());
                let rows = table::measure_all(&programs, &plan);
                if table.is_complete(&plan) {
                    table.write(&cli.project, &plan, &rows)?;
                }
            }
            Ok(())
        }
        Some(More::Scale { names, rounds, seconds, into, programs }) => {
            let programs = Programs::new(programs.programs, programs.verbose)?;
            std::fs::create_dir_all(&into)?;
            let names = if names.is_empty() { Scale::value_variants() } else { &names };
            names.iter().try_for_each(|name| scale::draw(&programs, *name, rounds, seconds, &into))
        }
    }
}

/// Returns the implementations of `all` and of `only`, if that isn't empty, that have a program.
fn present(programs: &Programs, all: &[Implementation], only: &[Implementation]) -> Vec<Implementation> {
    let wanted = |it: &Implementation| only.is_empty() || only.contains(it);
    let all = all.iter().copied().filter(wanted);
    let (present, missing): (Vec<_>, Vec<_>) = all.partition(|it| programs.has(*it));
    for implementation in missing {
        eprintln!("{} is left out: it has no program here", implementation.name());
    }
    present
}
