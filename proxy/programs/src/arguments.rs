//! Arguments of both programs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser};
use enfonet::{Endpoint, Options};
use enfonet_proxy::{Config, Side};

use crate::credentials::CredentialFiles;
use crate::program::Program;

#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    frontend: Vec<Endpoint>,
    #[arg(long, value_name = "ENDPOINT", value_parser = remote_endpoint)]
    frontend_connect: Vec<Endpoint>,
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    backend: Vec<Endpoint>,
    #[arg(long, value_name = "ENDPOINT", value_parser = remote_endpoint)]
    backend_connect: Vec<Endpoint>,
    /// Maximum time that a stop takes; peers may send for at most half of it
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = humantime::parse_duration)]
    stop_timeout: Duration,
    /// Interval of PINGs to a silent peer, which is disconnected after three silent intervals; 0s turns PINGs off. A
    /// libzmq peer answers no PING while its queue is full
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    heartbeat: Option<Duration>,
    /// Run two producers or clients and two consumers or servers beside the broker, and print their messages
    #[arg(long, conflicts_with_all = ["plain_users", "curve_secret"])]
    pub(crate) demo: bool,
    #[command(flatten)]
    pub(crate) credentials: CredentialFiles,
    /// Make a key pair for --curve-secret, write the secret key to this new file, print the public key, and end
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub(crate) new_key: Option<PathBuf>,
}

/// Parses the arguments of the process.
pub(crate) fn parse(program: &Program) -> Result<Arguments, clap::Error> {
    let matches = command(program).try_get_matches()?;
    Arguments::from_arg_matches(&matches)
}

fn command(program: &Program) -> Command {
    let command =
        Arguments::command().name(program.name).about(program.about).version(env!("CARGO_PKG_VERSION"));
    let sides =
        [("frontend", "frontend_connect", program.frontend), ("backend", "backend_connect", program.backend)];
    let command = sides.into_iter().fold(command, |command, (bind, connect, (peers, default))| {
        let flag = connect.replace('_', "-");
        let listen =
            format!("Endpoint to bind for {peers}; repeatable [default: {default}, without --{flag}]");
        let connect_to = format!("Endpoint to connect to, where {peers} listen; repeatable");
        command.mut_arg(bind, |arg: Arg| arg.help(listen)).mut_arg(connect, |arg: Arg| arg.help(connect_to))
    });
    let heartbeat = match program.name {
        "enfoslb" => " [default: 10s for workers that speak ZMTP 3.1, 0s for others]",
        _ => " [default: 0s]",
    };
    let command = command.mut_arg("heartbeat", |arg: Arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(help + heartbeat)
    });
    command.after_help(after_help(program))
}

fn after_help(program: &Program) -> String {
    let Program { name, frontend: (front_peers, _), backend: (back_peers, _), .. } = program;
    format!(
        "\
Endpoints: tcp://HOST:PORT, where * is every interface or any port, and ipc://PATH

Signals:
  SIGTERM, SIGINT  stop in order, within --stop-timeout: reject new peers, and finish pending work
                   (a second signal ends the program at once)
  SIGHUP           is ignored

Exit codes: 0 after a stop, 1 after a failure or a second signal, 2 for wrong arguments

Environment:
  RUST_LOG         level of the log on stderr: error, warn (the default), info, debug, trace
  NO_COLOR         turns the colours of the log off, unless it is empty

Examples:
  {name} --frontend tcp://127.0.0.1:6000 --backend ipc:///run/{name}/{back_peers}
  {name} --new-key broker.key
  {name} --curve-secret broker.key --frontend 'tcp://*:6000' --backend 'tcp://*:6001'
  {name} --frontend-connect tcp://{front_peers}.example:7000 --heartbeat 5s
  {name} --demo"
    )
}

impl Arguments {
    /// Returns the broker's configuration. A side without any endpoint gets the default.
    pub(crate) fn config(self, program: &Program, options: &Options) -> Config {
        let side = |mut bind: Vec<Endpoint>, connect: Vec<Endpoint>, default: &str| {
            if bind.is_empty() && connect.is_empty() {
                bind.push(default.parse().expect("the default is an endpoint"));
            }
            Side { bind, connect, options: options.clone(), heartbeat: self.heartbeat, ..Side::default() }
        };
        let frontend = side(self.frontend, self.frontend_connect, program.frontend.1);
        let backend = side(self.backend, self.backend_connect, program.backend.1);
        Config { grace: self.stop_timeout, ..Config::new(frontend, backend) }
    }
}

/// Parses an endpoint that other processes can reach.
fn endpoint(text: &str) -> Result<Endpoint, String> {
    match text.parse::<Endpoint>().map_err(|error| error.to_string())? {
        Endpoint::Inproc(_) => Err("no other process can reach it: use tcp or ipc".into()),
        endpoint => Ok(endpoint),
    }
}

/// Parses an endpoint that can be connected to.
fn remote_endpoint(text: &str) -> Result<Endpoint, String> {
    let endpoint = endpoint(text)?;
    if endpoint.is_wildcard() {
        return Err("a wildcard can only be bound".into());
    }
    Ok(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{ENFOMQ, ENFOSLB};

    #[test]
    fn the_command_line_definition_is_valid() {
        [&ENFOMQ, &ENFOSLB].into_iter().for_each(|program| command(program).debug_assert());
    }

    #[test]
    fn a_side_without_endpoints_has_the_default() {
        let config = |arguments: &[&str]| {
            let matches = command(&ENFOSLB).try_get_matches_from([&["enfoslb"], arguments].concat()).unwrap();
            Arguments::from_arg_matches(&matches).unwrap().config(&ENFOSLB, &Options::default())
        };
        let default = config(&[]);
        assert_eq!(default.frontend.bind, [ENFOSLB.frontend.1.parse().unwrap()]);
        assert_eq!((default.grace, default.backend.heartbeat), (Duration::from_secs(4), None));
        let given = config(&[
            "--backend-connect",
            "ipc://workers",
            "--stop-timeout",
            "1m 30s",
            "--heartbeat",
            "500ms",
        ]);
        assert_eq!(
            (given.backend.bind.len(), given.backend.connect.len(), given.frontend.bind.len()),
            (0, 1, 1)
        );
        assert_eq!(
            (given.grace, given.frontend.heartbeat),
            (Duration::from_secs(90), Some(Duration::from_millis(500)))
        );
    }
}
