//! The two programs: arguments in, a broker run, an exit code out.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use enfonet_patterns::{Endpoint, EndpointError, Options};
use tracing_subscriber::EnvFilter;

use crate::credentials::{CredentialFiles, new_key};
use crate::{Config, Side, StartError, demo, mq, shutdown_signal, slb};

/// The arguments of both programs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Listen here for publishers or clients; may be given again
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    frontend: Vec<Endpoint>,
    /// Connect here to publishers or clients that listen; may be given again
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    frontend_connect: Vec<Endpoint>,
    /// Listen here for subscribers or workers; may be given again
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    backend: Vec<Endpoint>,
    /// Connect here to subscribers or workers that listen; may be given again
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    backend_connect: Vec<Endpoint>,
    /// Run two producers or clients, and two consumers or servers, beside the broker, and show what flows
    #[arg(long, conflicts_with_all = ["plain_users", "curve_secret"])]
    demo: bool,
    #[command(flatten)]
    credentials: CredentialFiles,
    /// Make a key pair for --curve-secret, write the secret key to this new file, print the public key, and end
    #[arg(long, value_name = "FILE", exclusive = true)]
    new_key: Option<PathBuf>,
}

/// Runs `enfomq` with the arguments of the process.
#[must_use]
pub fn enfomq() -> ExitCode {
    let about = "EnfoMQ: a message queue broker. Publishers connect to the frontend (XSUB), subscribers to the backend (XPUB).";
    run_program(
        "enfomq",
        about,
        ["tcp://127.0.0.1:5557", "tcp://127.0.0.1:5558"],
        |config, demo| async move {
            let stop = shutdown_signal().map_err(|e| e.to_string())?;
            if demo {
                return demo::mq(config, ready, stop).await.map_err(|e| e.to_string());
            }
            mq::run(config, ready, stop).await.map(drop).map_err(|e: StartError| e.to_string())
        },
    )
}

/// Runs `enfoslb` with the arguments of the process.
#[must_use]
pub fn enfoslb() -> ExitCode {
    let about = "EnfoSLB: a service load balancer. Clients connect to the frontend (ROUTER), workers to the backend (DEALER).";
    run_program(
        "enfoslb",
        about,
        ["tcp://127.0.0.1:5559", "tcp://127.0.0.1:5560"],
        |config, demo| async move {
            let stop = shutdown_signal().map_err(|e| e.to_string())?;
            if demo {
                return demo::slb(config, ready, stop).await.map_err(|e| e.to_string());
            }
            slb::run(config, ready, stop).await.map(drop).map_err(|e: StartError| e.to_string())
        },
    )
}

fn ready(endpoints: &impl Display) {
    println!("ready {endpoints}");
}

fn run_program<B: Future<Output = Result<(), String>> + Send + 'static>(
    name: &'static str,
    about: &'static str,
    defaults: [&str; 2],
    broker: impl FnOnce(Config, bool) -> B,
) -> ExitCode {
    let arguments = match parse(name, about) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if let Some(file) = arguments.new_key {
        return match new_key(&file) {
            Ok(public_key) => {
                println!("{public_key}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(name, error),
        };
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // Each peer takes a descriptor: as many as the system lets us have.
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!(%error, "can't raise the limit of open files");
    }
    let options = match arguments.credentials.options() {
        Ok(options) => options,
        Err(error) => return fail(name, error),
    };
    let demo = arguments.demo;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(name, error),
    };
    // A task of its own is polled without the system being asked for events each time before.
    let running = runtime.spawn(broker(config(arguments, &options, defaults), demo));
    match runtime.block_on(running) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(name, error),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Wrong arguments take one line, like any other failure; help and version are printed as asked.
fn parse(name: &'static str, about: &'static str) -> Result<Arguments, ExitCode> {
    use clap::{CommandFactory, FromArgMatches};
    let command = Arguments::command().name(name).about(about).version(env!("CARGO_PKG_VERSION"));
    let parsed = command.try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    parsed.map_err(|error| {
        if error.use_stderr() {
            let text = error.to_string();
            // What follows an empty line is advice; before it an argument may stand on a line of its own.
            let lines: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
            let line = lines.join(" ");
            fail(name, format_args!("{} (try --help)", line.trim_start_matches("error: ")))
        } else {
            print!("{error}");
            ExitCode::SUCCESS
        }
    })
}

/// The defaults stand for a side that was given no endpoint at all.
fn config(arguments: Arguments, options: &Options, [frontend, backend]: [&str; 2]) -> Config {
    let side = |mut bind: Vec<Endpoint>, connect: Vec<Endpoint>, default: &str| {
        if bind.is_empty() && connect.is_empty() {
            bind.push(default.parse().expect("the default is an endpoint"));
        }
        Side { bind, connect, options: options.clone() }
    };
    Config::new(
        side(arguments.frontend, arguments.frontend_connect, frontend),
        side(arguments.backend, arguments.backend_connect, backend),
    )
}

fn endpoint(text: &str) -> Result<Endpoint, EndpointError> {
    text.parse()
}

fn fail(name: &str, error: impl Display) -> ExitCode {
    eprintln!("{name}: {error}");
    ExitCode::FAILURE
}
