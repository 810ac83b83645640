//! `raw-load`: load from bytes that are made beforehand, so that a broker is measured and not its peers.
//! It says what a peer says, checks the framing of what it gets, and holds no queue.
//!
//! ```text
//! raw-load sub    ENDPOINT SIZE SECONDS [TOPIC] [--peers N] [--sequence]
//! raw-load pub    ENDPOINT SIZE SECONDS [TOPIC] [--rate N] [--sequence] [--pause SECONDS]
//! raw-load rep    ENDPOINT                          prints `up=1`, echoes for ever
//! raw-load req    ENDPOINT SIZE COUNT               prints how long requests take
//! raw-load dealer ENDPOINT SIZE COUNT WINDOW        WINDOW requests under way, prints the rate
//! raw-load steady ENDPOINT SIZE RATE SECONDS        RATE requests a second, whatever comes back: prints how long they take
//! raw-load conns  ENDPOINT KIND COUNT SECONDS [--curve]  idle connections, with a topic each if they are SUBs
//! raw-load topics ENDPOINT COUNT SECONDS [--peers N]  COUNT subscriptions to topics that nobody publishes
//! ```
//!
//! All connect, by TCP. `sub` prints `up=N`, counts for SECONDS from the first message on, prints the rate of all its
//! N subscribers together, and stays a reader until it is killed. With `--sequence` messages are numbered, and `sub`
//! prints `lost=N`, too. `pub` publishes, after a pause for subscriptions to arrive, as fast as it is let, or `--rate`
//! messages a second, and prints `sentrate=N`.

mod crowd;
mod curve;
mod exchange;
mod publish;
mod steady;
mod subscribe;
mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Load from bytes that are made beforehand.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Counts what comes for so long from the first message on, and prints the rate.
    Sub {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        #[arg(value_parser = seconds)]
        seconds: Duration,
        #[arg(default_value = "")]
        topic: String,
        /// Number of subscribers.
        #[arg(long, default_value_t = 1)]
        peers: usize,
        /// The messages are numbered.
        #[arg(long)]
        sequence: bool,
    },
    /// Publishes for so long.
    Pub {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        #[arg(value_parser = seconds)]
        seconds: Duration,
        #[arg(default_value = "")]
        topic: String,
        /// Messages a second; none: as many as it can.
        #[arg(long)]
        rate: Option<f64>,
        /// Numbers the messages.
        #[arg(long)]
        sequence: bool,
        /// Before the first message.
        #[arg(long, value_parser = seconds, default_value = "0.4")]
        pause: Duration,
    },
    /// Echoes requests for ever.
    Rep {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
    },
    /// Sends so many requests, one after the other, and prints how long they take.
    Req {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        count: usize,
    },
    /// Sends so many requests, some at a time, and prints the rate of the replies.
    Dealer {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        count: usize,
        window: usize,
    },
    /// Sends requests at a rate, and prints how long they take from when they were due; a lost one counts as 2 s.
    Steady {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        rate: f64,
        #[arg(value_parser = seconds)]
        seconds: Duration,
    },
    /// Holds idle connections.
    Conns {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        kind: String,
        count: usize,
        #[arg(value_parser = seconds)]
        seconds: Duration,
        /// Encrypts with CURVE.
        #[arg(long)]
        curve: bool,
    },
    /// Holds subscriptions.
    Topics {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        count: usize,
        #[arg(value_parser = seconds)]
        seconds: Duration,
        /// Connections that share them.
        #[arg(long, default_value_t = 1)]
        peers: usize,
    },
}

fn address(endpoint: &str) -> Result<SocketAddr, String> {
    let address = endpoint.strip_prefix("tcp://").ok_or("only tcp://ADDRESS:PORT")?;
    address.parse().map_err(|error: std::net::AddrParseError| error.to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|error: std::num::ParseFloatError| error.to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn main() -> Outcome {
    match Cli::parse().role {
        Role::Sub { endpoint, size, seconds, topic, peers, sequence } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let subscribers = subscribe::Subscribers { endpoint, size, topic, peers, sequence };
            runtime.block_on(subscribe::run(subscribers, seconds))
        }
        Role::Pub { endpoint, size, seconds, topic, rate, sequence, pause } => {
            let messages = publish::Messages::new(size, &topic, sequence)?;
            publish::run(endpoint, messages, rate, [pause, seconds])
        }
        Role::Rep { endpoint } => exchange::rep(endpoint),
        Role::Req { endpoint, size, count } => exchange::req(endpoint, size, count),
        Role::Dealer { endpoint, size, count, window } => exchange::dealer(endpoint, size, count, window),
        Role::Steady { endpoint, size, rate, seconds } => steady::run(endpoint, size, rate, seconds),
        Role::Conns { endpoint, kind, count, seconds, curve } => {
            crowd::conns(endpoint, &kind, count, seconds, curve)
        }
        Role::Topics { endpoint, count, seconds, peers } => crowd::topics(endpoint, count, seconds, peers),
    }
}
