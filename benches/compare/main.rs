//! `enfonet-compare`: EnfoNet beside libzmq and others, on this machine.
//!
//! ```text
//! enfonet-compare [CASE…] [--rounds N] [--seconds N] [--only NAME,…] [--programs FOLDER]… [--verbose]
//! enfonet-compare scale [NAME…] [--rounds N] [--seconds N] [--into FOLDER]
//! ```
//!
//! Runs each CASE (without any: all) with each implementation in turn, for about `--seconds`, `--rounds` times over, and
//! prints a table in Markdown: the median, in parentheses as a multiple of libzmq's; the processor time for each message,
//! of the broker where there is one and of both ends of a stream; and with the queue broker the share of what was
//! published that a subscriber got.
//!
//! `scale` shows how EnfoNet and libzmq grow: over `sizes` of messages, `subscribers`, `subscriptions`, `connections`, and
//! the `latency` of requests over their rate. Each NAME (without any: all) becomes a `.csv` and a `.svg` in the folder.
//!
//! It builds nothing: `benches/compare/run` does, and then runs it. It finds the programs beside itself and in
//! `../peers/release`, or in the folders that it is given; implementations without a program are left out. Linux only,
//! since processor time and memory are read from `/proc`. All that it starts is on the loopback interface, is given up
//! after a minute, and is killed when its turn is over.

mod case;
mod curve;
mod endpoint;
mod measure;
mod plot;
mod process;
mod programs;
mod scale;
mod table;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::case::{ALL, Case};
use crate::programs::{Implementation, Programs};
use crate::scale::Scale;
use crate::table::Plan;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// EnfoNet beside libzmq and others, on this machine.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<More>,
    /// Cases to compare, such as thr:32; none: all
    cases: Vec<Case>,
    /// How often; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// About how long each case takes
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Implementations to compare
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Implementation>,
    #[command(flatten)]
    programs: Folders,
}

#[derive(Debug, Subcommand)]
enum More {
    /// Shows how EnfoNet and libzmq grow
    Scale {
        /// Over what; none: all
        names: Vec<Scale>,
        /// How often; the median counts
        #[arg(long, default_value_t = 1)]
        rounds: usize,
        /// About how long each point takes
        #[arg(long, default_value_t = 2)]
        seconds: u64,
        /// Where data and pictures go
        #[arg(long, value_name = "FOLDER", default_value = "docs/performance")]
        into: PathBuf,
        #[command(flatten)]
        programs: Folders,
    },
}

#[derive(Debug, Args)]
struct Folders {
    /// Where the programs are; may be given again
    #[arg(long, value_name = "FOLDER")]
    programs: Vec<PathBuf>,
    /// Let the programs complain
    #[arg(long)]
    verbose: bool,
}

fn main() -> Outcome {
    let cli = Cli::parse();
    // Sockets of thousands of peers; programs inherit it.
    rlimit::increase_nofile_limit(u64::MAX)?;
    match cli.command {
        None => {
            let programs = Programs::new(cli.programs.programs, cli.programs.verbose)?;
            let implementations = present(&programs, &cli.only);
            let all = || ALL.split_whitespace().map(str::parse).collect::<Result<_, _>>();
            let cases = if cli.cases.is_empty() { all()? } else { cli.cases };
            table::print(
                &programs,
                &Plan { cases, implementations, rounds: cli.rounds, seconds: cli.seconds },
            )
        }
        Some(More::Scale { names, rounds, seconds, into, programs }) => {
            let programs = Programs::new(programs.programs, programs.verbose)?;
            std::fs::create_dir_all(&into)?;
            let names = if names.is_empty() { Scale::value_variants() } else { &names };
            names.iter().try_for_each(|name| scale::draw(&programs, *name, rounds, seconds, &into))
        }
    }
}

/// Those that are wanted and have a program.
fn present(programs: &Programs, only: &[Implementation]) -> Vec<Implementation> {
    let wanted = |it: &Implementation| only.is_empty() || only.contains(it);
    let all = Implementation::value_variants().iter().copied().filter(wanted);
    let (present, missing): (Vec<_>, Vec<_>) = all.partition(|it| programs.has(*it));
    for implementation in missing {
        eprintln!("{} is left out: it has no program here", implementation.name());
    }
    present
}
