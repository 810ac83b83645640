//! The two programs: they parse arguments, run a broker, and return an exit code.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enfonet::Endpoint;
use enfonet::endpoint::Host;
use enfonet::error::BindError;
use enfonet_proxy::{Config, Endpoints, Side, StartError, mq, slb};

use crate::arguments::{Arguments, parse};
use crate::credentials::{Credentials, new_key};
use crate::demo;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use crate::heap;
use crate::log::{self, LogHandle};
use crate::output::{print_error, print_line};
use crate::program::{ENFOMQ, ENFOSLB, Program};
use crate::reload::{LoadError, Loaded, Reloader, Sources};
use crate::signals::catch_signals;
use crate::sockets::{Socket, SocketSettings, socket};

/// Failure of a program: the text to print, and the exit code.
struct Failure {
    text: String,
    code: u8,
}

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { text: error.to_string(), code: FAILED }
    }
}

impl Failure {
    fn wrong_arguments(error: &impl Display) -> Self {
        Self { text: error.to_string(), code: WRONG_ARGUMENTS }
    }

    /// Returns the failure for a broker that doesn't start. A bad endpoint is a wrong argument.
    fn start(error: &StartError) -> Self {
        use enfonet::error::ConnectError;
        let is_argument = matches!(
            error,
            StartError::Bind(BindError::Endpoint(_)) | StartError::Connect(ConnectError::Endpoint(_))
        );
        Self { text: error.to_string(), code: if is_argument { WRONG_ARGUMENTS } else { FAILED } }
    }
}

const FAILED: u8 = 1;
const WRONG_ARGUMENTS: u8 = 2;

/// A broker to run, and what the program does beside it.
struct Start {
    sources: Sources,
    loaded: Loaded,
    log: LogHandle,
    demo: bool,
}

/// Returns a function that runs a broker. A macro, since both brokers have the same methods, but no trait.
macro_rules! broker {
    ($broker:ident, $config:expr) => {
        |start: Start| async move {
            let (stop, abort, hangups) = catch_signals()?;
            let Start { sources, loaded: Loaded { settings, sockets }, log, demo } = start;
            let (sockets, sides) = split(sockets);
            let config = $config(sides, settings.general.stop_timeout.0);
            let broker = $broker::Broker::bind(config).await.map_err(|error| Failure::start(&error))?;
            let at = broker.endpoints().clone();
            warn_of_open_access(&at, &sockets);
            let (peers, status) = (broker.peers(), Arc::default());
            let reloader = Reloader { sources, settings, sockets, log, peers, status };
            tokio::spawn(reloader.run(hangups));
            if let Err(error) = print_line(format_args!("ready {at}")) {
                tracing::warn!(%error, "can't print that the broker is ready");
            }
            let is_aborted = AtomicBool::new(false);
            let abort = async {
                abort.await;
                is_aborted.store(true, Ordering::Relaxed);
            };
            let running = broker.run_until(stop, abort);
            if demo {
                demo::$broker(&at, running).await?;
            } else {
                running.await;
            }
            if is_aborted.into_inner() {
                return Err("a second signal ended it at once".into());
            }
            Ok::<(), Failure>(())
        }
    };
}

/// Returns the sockets of both sides, and the sides for the broker.
fn split(loaded: [Vec<(Credentials, SocketSettings)>; 2]) -> ([Vec<Socket>; 2], [Vec<Side>; 2]) {
    let split = |sockets: Vec<_>| {
        sockets.into_iter().map(|(credentials, settings)| socket(credentials, settings)).unzip()
    };
    let [(frontend, frontends), (backend, backends)] = loaded.map(split);
    ([frontend, backend], [frontends, backends])
}

/// Runs `enfomq` with the arguments of the process.
#[must_use]
pub fn enfomq() -> ExitCode {
    let config = |[frontends, backends]: [Vec<Side>; 2], grace| mq::Sides { frontends, backends, grace };
    run_program(&ENFOMQ, broker!(mq, config))
}

/// Runs `enfoslb` with the arguments of the process.
#[must_use]
pub fn enfoslb() -> ExitCode {
    let config = |sides: [Vec<Side>; 2], grace| {
        // The file has one entry a side.
        let [frontend, backend] = sides.map(|sockets| sockets.into_iter().next().unwrap_or_default());
        Config { grace, ..Config::new(frontend, backend) }
    };
    run_program(&ENFOSLB, broker!(slb, config))
}

fn run_program<B>(program: &'static Program, broker: impl FnOnce(Start) -> B) -> ExitCode
where
    B: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let outcome = match parse(program) {
        Ok(arguments) => run_with(program, arguments, broker),
        // Also the help text, which clap prints to stdout, with exit code 0.
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(WRONG_ARGUMENTS).into();
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, code }) => {
            print_error(format_args!("{}: {text}", program.name));
            code.into()
        }
    }
}

fn run_with<B>(
    program: &'static Program,
    arguments: Arguments,
    broker: impl FnOnce(Start) -> B,
) -> Result<(), Failure>
where
    B: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let Arguments { actions, layers } = arguments;
    if let Some(file) = &actions.new_key {
        let public_key = new_key(file)?;
        return Ok(print_line(format_args!("{public_key}"))?);
    }
    let sources = Sources { program, layers, file: actions.config };
    let loaded = sources.load().map_err(|error| match error {
        LoadError::Credentials(text) if !actions.check => Failure { text, code: FAILED },
        error => Failure::wrong_arguments(&error),
    })?;
    let mut sockets = loaded.sockets.iter().flatten().map(|(_, settings)| settings);
    if actions.demo && !sockets.all(SocketSettings::admits_everybody) {
        let text =
            "--demo can't be used with --plain-users or --curve-secret: its programs have no credentials";
        return Err(Failure::wrong_arguments(&text));
    }
    if actions.check {
        return Ok(print_line(format_args!("{}", loaded.settings.text(program.shape).trim_end()))?);
    }
    let general = &loaded.settings.general;
    let log = log::start(&general.log_level.0, general.log_format);
    // Each peer takes a descriptor.
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!(%error, "can't raise the limit of open files");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    runtime.spawn(heap::trim_after_storms());
    // In a task of its own: `block_on` polls the system for events each time before it polls its future.
    let running = runtime.spawn(broker(Start { sources, loaded, log, demo: actions.demo }));
    match runtime.block_on(running) {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Warns of endpoints that other machines can reach, at sockets without authentication.
fn warn_of_open_access(at: &Endpoints, sockets: &[Vec<Socket>; 2]) {
    for (endpoints, sockets) in [&at.frontend, &at.backend].into_iter().zip(sockets) {
        let mut endpoints = endpoints.iter();
        for Socket { settings: socket, .. } in sockets {
            let bound: Vec<_> = endpoints.by_ref().take(socket.bind.len()).collect();
            endpoints.by_ref().take(socket.connect.len()).for_each(drop);
            for endpoint in bound.into_iter().filter(|at| socket.admits_everybody() && is_beyond_loopback(at))
            {
                tracing::warn!(
                    %endpoint,
                    "listens beyond this machine, and admits everybody: see --plain-users and --curve-secret"
                );
            }
        }
    }
}

fn is_beyond_loopback(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Tcp { host: Host::Ip(ip), .. } => !ip.to_canonical().is_loopback(),
        Endpoint::Tcp { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tcp_outside_of_the_loopback_is_reachable_from_other_machines() {
        for (endpoint, expected) in [
            ("tcp://127.0.0.1:1", false),
            ("tcp://127.9.9.9:1", false),
            ("tcp://[::1]:1", false),
            ("tcp://[::ffff:127.0.0.1]:1", false),
            ("ipc:///run/broker", false),
            ("tcp://0.0.0.0:1", true),
            ("tcp://[::]:1", true),
            ("tcp://192.0.2.1:1", true),
            ("tcp://[fe80::1%1]:1", true),
        ] {
            assert_eq!(is_beyond_loopback(&endpoint.parse().unwrap()), expected, "{endpoint}");
        }
    }
}
