//! `enfonet-compare`: EnfoNet beside libzmq and others, on this machine.
//!
//! ```text
//! enfonet-compare [CASE…] [--rounds N] [--seconds N] [--only NAME,…] [--programs FOLDER]… [--verbose]
//! ```
//!
//! Runs each CASE (without any: all) with each implementation in turn, for about `--seconds`, `--rounds` times over, and
//! prints a table in Markdown: the median, in parentheses as a multiple of libzmq's; with brokers the processor time
//! that the broker took for each message, and the share of what was published that a subscriber got.
//!
//! It builds nothing: `benches/compare/run` does, and then runs it. It finds the programs beside itself and in
//! `../peers/release`, or in the folders that it is given; implementations without a program are left out. Linux only,
//! since processor time and memory are read from `/proc`. All that it starts is on the loopback interface, is given up
//! after a minute, and is killed when its turn is over.

mod case;
mod endpoint;
mod measure;
mod process;
mod programs;
mod table;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::case::{ALL, Case};
use crate::programs::{Implementation, Programs};
use crate::table::Plan;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// EnfoNet beside libzmq and others, on this machine.
#[derive(Debug, Parser)]
struct Cli {
    /// What to compare, such as thr:32; none: all
    cases: Vec<Case>,
    /// How often; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// About how long each case takes
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Whom to compare
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Implementation>,
    /// Where the programs are; may be given again
    #[arg(long, value_name = "FOLDER")]
    programs: Vec<PathBuf>,
    /// Let the programs complain
    #[arg(long)]
    verbose: bool,
}

fn main() -> Outcome {
    let cli = Cli::parse();
    let programs = Programs::new(cli.programs, cli.verbose)?;
    let wanted = |it: &Implementation| cli.only.is_empty() || cli.only.contains(it);
    let all = Implementation::value_variants().iter().copied().filter(wanted);
    let (implementations, missing): (Vec<_>, Vec<_>) = all.partition(|it| programs.has(*it));
    for implementation in missing {
        eprintln!("{} is left out: it has no program here", implementation.name());
    }
    let mut cases = cli.cases;
    if cases.is_empty() {
        cases = ALL.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    }
    // Sockets of thousands of peers; programs inherit it.
    rlimit::increase_nofile_limit(u64::MAX)?;
    table::print(&programs, &Plan { cases, implementations, rounds: cli.rounds, seconds: cli.seconds })
}
