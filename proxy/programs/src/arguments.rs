//! Command line of both programs: flags that set keys of the settings, and actions.

use std::path::PathBuf;

use clap::builder::{StyledStr, Styles};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::program::Program;
use crate::settings::{Flag, Layers, Scope, Side, flags, layers, with_variable};

/// Arguments that aren't settings.
#[derive(Debug, Args)]
pub(crate) struct Actions {
    /// Read settings from this file, in TOML; its keys are the flags. Flags and variables precede it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Check the settings and the files of credentials, print the settings that apply with their origins, and end
    #[arg(long)]
    pub(crate) check: bool,
    /// Run two producers or clients and two consumers or servers beside the broker, and print their messages
    #[arg(long)]
    pub(crate) demo: bool,
    /// Make a key pair for --curve-secret, write the secret key to this new file, print the public key, and end
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key: Option<PathBuf>,
}

/// The parsed command line and environment.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) actions: Actions,
    pub(crate) layers: Layers,
}

/// Parses the arguments and the environment of the process.
pub(crate) fn parse(program: &Program) -> Result<Arguments, clap::Error> {
    let flags = flags(program);
    let mut command = command(program, &flags);
    let matches = command
        .try_get_matches_from_mut(std::env::args_os())
        .map_err(|error| with_origin(error, &command))?;
    check_new_key(&mut command, &matches)?;
    Ok(Arguments { actions: Actions::from_arg_matches(&matches)?, layers: layers(&flags, &matches) })
}

/// Names the variable from which a wrong value comes. clap names only the flag.
fn with_origin(mut error: clap::Error, command: &Command) -> clap::Error {
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.clone(),
        _ => return error,
    };
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidArg) else { return error };
    let flag = name.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
    let Some(variable) = command.get_arguments().find(|arg| arg.get_id() == flag).and_then(Arg::get_env)
    else {
        return error;
    };
    let is_given = std::env::args().any(|argument| argument.starts_with(&format!("--{flag}")));
    if !is_given && std::env::var_os(variable).is_some_and(|text| text.to_string_lossy().contains(&value)) {
        let hint = format!("the value is that of the environment variable {}", variable.display());
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(hint)]));
    }
    error
}

/// Checks that --new-key is the only argument. Variables may be set.
fn check_new_key(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let others = command.get_arguments().filter(|arg| arg.get_id() != "new_key");
    let has_others = others.map(Arg::get_id).any(|id| given(id.as_str()));
    if given("new_key") && has_others {
        let text = "the argument '--new-key <FILE>' can't be used with other arguments";
        return Err(command.error(ErrorKind::ArgumentConflict, text));
    }
    Ok(())
}

fn command(program: &Program, flags: &[Flag]) -> Command {
    let config = |arg: Arg| with_variable(program, arg, "config");
    Actions::augment_args(Command::new(program.name))
        .mut_arg("config", config)
        .about(program.about)
        .version(env!("CARGO_PKG_VERSION"))
        .styles(Styles::default())
        .after_help(after_help(program))
        .args(flags.iter().enumerate().map(|(at, flag)| help(program, flag).display_order(order(flag, at))))
}

/// Returns the place of a flag in the help: behind the actions endpoints, then the other flags in their order.
fn order(flag: &Flag, at: usize) -> usize {
    match flag.key.as_str() {
        "bind" | "connect" => 100 + at,
        _ => 1000 + at,
    }
}

/// Returns the argument of a flag, with the help that depends on the program.
fn help(program: &Program, flag: &Flag) -> Arg {
    let arg = flag.arg.clone().hide(program.unused.contains(&flag.key.as_str()));
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match flag.scope {
        Scope::BothSides if flag.key == "heartbeat" => {
            let [frontend, backend] = program.heartbeats;
            let workers = format!(
                " [default: {backend} for {} that speak ZMTP 3.1, {frontend} for others]",
                program.peers[1]
            );
            arg.help(text + &if frontend == backend { format!(" [default: {frontend}]") } else { workers })
        }
        Scope::Entry(side) => {
            let (peers, default) = (program.peers[side as usize], program.endpoints[side as usize]);
            match flag.key.as_str() {
                "bind" => arg.help(format!(
                    "Endpoint to bind for {peers}; repeatable [default: {default}, without --{}-connect]",
                    side.name()
                )),
                "connect" => arg.help(format!("Endpoint to connect to, where {peers} listen; repeatable")),
                key => arg.help(format!("As --{key}, for {peers} only")).help_heading(heading(side)),
            }
        }
        _ => arg,
    }
}

const fn heading(side: Side) -> &'static str {
    match side {
        Side::Frontend => "Options of the frontend",
        Side::Backend => "Options of the backend",
    }
}

fn after_help(program: &Program) -> String {
    let (name, upper, [front_peers, back_peers]) = (program.name, program.name.to_uppercase(), program.peers);
    format!(
        "\
Endpoints: tcp://HOST:PORT, where * is every interface or any port, and ipc://PATH

Signals:
  SIGTERM, SIGINT  stop in order, within --stop-timeout: reject new peers, and finish pending work
                   (a second signal ends the program at once)
  SIGHUP           reads --config and the files of credentials again, all or nothing

Exit codes: 0 after a stop, 1 after a failure or a second signal, 2 for wrong arguments

Environment:
  {upper}_…         settings, as shown; a list is separated by commas. Precedence: flag, variable, file, default
  RUST_LOG         default of --log-level
  NO_COLOR         turns the colours of the log off, unless it is empty

Examples:
  {name} --frontend tcp://127.0.0.1:6000 --backend ipc:///run/{name}/{back_peers}
  {name} --config {name}.toml --check
  {name} --new-key broker.key
  {name} --curve-secret broker.key --frontend 'tcp://*:6000' --backend 'tcp://*:6001'
  {name} --frontend-connect tcp://{front_peers}.example:7000 --heartbeat 5s
  {name} --demo"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{ENFOMQ, ENFOSLB};

    #[test]
    fn the_help_begins_with_what_the_program_is_and_its_endpoints_precede_other_settings() {
        for program in [&ENFOMQ, &ENFOSLB] {
            let help = command(program, &flags(program)).render_help().to_string();
            assert!(help.starts_with(program.about), "{help}");
            let places = ["--config <", "--frontend <", "--backend-connect <", "--stop-timeout <"];
            assert!(places.map(|flag| help.find(flag).unwrap()).is_sorted(), "{help}");
        }
    }

    #[test]
    fn the_command_line_definition_is_valid() {
        [&ENFOMQ, &ENFOSLB].into_iter().for_each(|program| command(program, &flags(program)).debug_assert());
    }
}
