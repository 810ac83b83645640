//! The two programs: they parse arguments, run a broker, and return an exit code.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use enfonet::Endpoint;
use enfonet::endpoint::Host;
use enfonet::error::BindError;
use enfonet_proxy::{Config, Endpoints, StartError, mq, slb};
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, parse};
use crate::credentials::new_key;
use crate::demo;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use crate::heap;
use crate::output::{has_colours, print_error, print_line};
use crate::program::{ENFOMQ, ENFOSLB, Program};
use crate::signals::stop_signals;

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

/// Returns a function that runs a broker. A macro, since both brokers have the same methods, but no trait.
macro_rules! broker {
    ($broker:ident) => {
        |config: Config, demo: bool, admits_everybody: bool| async move {
            let (stop, abort) = stop_signals()?;
            let listeners = [config.frontend.bind.len(), config.backend.bind.len()];
            let broker = $broker::Broker::bind(config).await.map_err(|error| Failure::start(&error))?;
            let at = broker.endpoints().clone();
            if admits_everybody {
                warn_of_open_access(&at, listeners);
            }
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

/// Runs `enfomq` with the arguments of the process.
#[must_use]
pub fn enfomq() -> ExitCode {
    run_program(&ENFOMQ, broker!(mq))
}

/// Runs `enfoslb` with the arguments of the process.
#[must_use]
pub fn enfoslb() -> ExitCode {
    run_program(&ENFOSLB, broker!(slb))
}

fn run_program<B>(program: &Program, broker: impl FnOnce(Config, bool, bool) -> B) -> ExitCode
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
    program: &Program,
    arguments: Arguments,
    broker: impl FnOnce(Config, bool, bool) -> B,
) -> Result<(), Failure>
where
    B: Future<Output = Result<(), Failure>> + Send + 'static,
{
    if let Some(file) = &arguments.new_key {
        let public_key = new_key(file)?;
        return Ok(print_line(format_args!("{public_key}"))?);
    }
    start_log();
    // Each peer takes a descriptor.
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!(%error, "can't raise the limit of open files");
    }
    let options = arguments.credentials.options()?;
    let (demo, admits_everybody) = (arguments.demo, arguments.credentials.admits_everybody());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    runtime.spawn(heap::trim_after_storms());
    // In a task of its own: `block_on` polls the system for events each time before it polls its future.
    let running = runtime.spawn(broker(arguments.config(program, &options), demo, admits_everybody));
    match runtime.block_on(running) {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(has_colours())
        // Without this, a log that can't be written is a panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .init();
}

/// Warns of endpoints that other machines can reach, at a broker without authentication.
fn warn_of_open_access(at: &Endpoints, [frontend, backend]: [usize; 2]) {
    let listeners = at.frontend[..frontend].iter().chain(&at.backend[..backend]);
    for endpoint in listeners.filter(|endpoint| is_beyond_loopback(endpoint)) {
        tracing::warn!(
            %endpoint,
            "listens beyond this machine, and admits everybody: see --plain-users and --curve-secret"
        );
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
