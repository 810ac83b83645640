//! Keys of the settings. A field is a flag, an environment variable and a key of the file.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, Args, Command};
use enfonet::Endpoint;
use serde::Deserialize;

use super::limits::LimitKeys;
use super::values::{Handover, LogFormat, LogLevel, Remote, Text};
use crate::program::Program;

/// Keys of the program as a whole. Each has a default.
#[derive(Clone, Debug, PartialEq, Eq, Args, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct General {
    /// Maximum time that a stop takes; peers may send for at most half of it
    #[arg(long, value_name = "TIME", default_value = "4s")]
    pub(crate) stop_timeout: Text<Duration>,
    /// Level of the log on stderr: off, error, warn, info, debug or trace; also by module, such as
    /// warn,enfonet=debug. Without it, RUST_LOG is read
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log_level: Text<LogLevel>,
    /// Form of the log on stderr. Under journald, a line has no colours and no time
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// Keys of the sockets of a side. At the top of the file, and as flags without a side, they are for both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct SideKeys {
    /// Interval of PINGs to a silent peer, which is disconnected after three silent intervals; 0s turns PINGs off. A
    /// libzmq peer answers no PING while its queue is full
    #[arg(long, value_name = "TIME")]
    pub(crate) heartbeat: Option<Text<Duration>>,
    /// Admit only peers that log in with PLAIN as a user of this file; a line name:password each
    #[arg(long, value_name = "FILE")]
    pub(crate) plain_users: Option<PathBuf>,
    /// Encrypt with CURVE; the file has the broker's secret key in Z85, or is a secret certificate of czmq or pyzmq.
    /// Without --curve-clients every peer that knows the public key is admitted
    #[arg(long, value_name = "FILE")]
    pub(crate) curve_secret: Option<PathBuf>,
    /// Admit only peers whose public key is in this file: a line each, in Z85; a space and a user id may follow. Or a
    /// public certificate of czmq or pyzmq, or a directory of them: the user id is the name in the metadata, or else
    /// that of the file
    #[arg(long, value_name = "FILE")]
    pub(crate) curve_clients: Option<PathBuf>,
    /// Limit users to topics that begin with the prefixes of this file; a line NAME pub=PREFIX,… sub=PREFIX,… each. The
    /// name * stands for all users without a line, who otherwise may use no topic
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Peers that take over the identity of a connected client
    #[arg(long, value_name = "PEERS")]
    pub(crate) handover: Option<Handover>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) limits: LimitKeys,
}

/// Endpoints of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Places {
    #[arg(long, value_name = "ENDPOINT", value_delimiter = ',')]
    pub(crate) bind: Vec<Text<Endpoint>>,
    #[arg(long, value_name = "ENDPOINT", value_delimiter = ',')]
    pub(crate) connect: Vec<Text<Remote>>,
}

/// A side of a broker, as an index into pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Frontend,
    Backend,
}

pub(crate) const SIDES: [Side; 2] = [Side::Frontend, Side::Backend];

impl Side {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Frontend => "frontend",
            Self::Backend => "backend",
        }
    }
}

/// The part of the settings that a flag sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    General,
    /// All entries of both sides.
    BothSides,
    /// The first entry of a side.
    Entry(Side),
}

/// A flag, with the key that it sets.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) arg: Arg,
    pub(crate) key: String,
    pub(crate) scope: Scope,
}

impl Flag {
    /// Returns the flag's name, without dashes.
    pub(crate) fn name(&self) -> &str {
        self.arg.get_long().expect("every flag has a long name")
    }
}

/// Returns all flags of a program that set a key, each with its variable.
pub(crate) fn flags(program: &Program) -> Vec<Flag> {
    let general = args::<General>().into_iter().map(|arg| (arg, Scope::General));
    let both = args::<SideKeys>().into_iter().map(|arg| (arg, Scope::BothSides));
    let entries = SIDES.into_iter().flat_map(|side| {
        let args = args::<Places>().into_iter().chain(args::<SideKeys>());
        args.map(move |arg| (arg, Scope::Entry(side)))
    });
    general.chain(both).chain(entries).map(|(arg, scope)| flag(program, arg, scope)).collect()
}

fn flag(program: &Program, arg: Arg, scope: Scope) -> Flag {
    let key = arg.get_long().expect("every key has a long name").to_owned();
    let name = match scope {
        Scope::Entry(side) if key == "bind" => side.name().to_owned(),
        Scope::Entry(side) => format!("{}-{key}", side.name()),
        _ => key.clone(),
    };
    let arg = with_variable(program, arg, &name);
    Flag { arg: arg.id(name.clone()).long(name), key, scope }
}

/// Adds the environment variable of a flag: `ENFOMQ_STOP_TIMEOUT` of `--stop-timeout`.
pub(crate) fn with_variable(program: &Program, arg: Arg, flag: &str) -> Arg {
    let name = format!("{}_{flag}", program.name).to_uppercase().replace('-', "_");
    arg.env(name).hide_env_values(true)
}

fn args<T: Args>() -> Vec<Arg> {
    T::augment_args(Command::new("")).get_arguments().cloned().collect()
}

/// Returns the names of a struct's keys.
pub(crate) fn names<T: Args>() -> Vec<String> {
    args::<T>().iter().filter_map(Arg::get_long).map(Into::into).collect()
}

/// Returns whether a flag may be repeated: its key has a list.
pub(crate) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}
