//! `raw-load`: load from prepared bytes, so that the broker is measured and not its peers. It checks the framing of the
//! bytes that it receives, and has no queues.
//!
//! ```text
//! raw-load sub    ENDPOINT SIZE SECONDS [TOPIC] [--peers N] [--sequence]
//! raw-load pub    ENDPOINT SIZE SECONDS [TOPIC] [--rate N] [--sequence] [--pause SECONDS]
//! raw-load rep    ENDPOINT                          prints `up=1`, echoes for ever
//! raw-load req    ENDPOINT SIZE COUNT               prints the time of requests
//! raw-load dealer ENDPOINT SIZE COUNT WINDOW        WINDOW requests pending, prints the rate
//! raw-load steady ENDPOINT SIZE RATE SECONDS        RATE requests a second, independent of replies; prints their time
//! raw-load conns  ENDPOINT KIND COUNT SECONDS [--curve]  idle connections, with a topic each if they are SUBs
//! raw-load topics ENDPOINT COUNT SECONDS [--peers N]  COUNT subscriptions to topics without messages
//! ```
//!
//! All roles connect, by TCP. `sub` prints `up=N`, counts messages for SECONDS from the first one on, prints the rate
//! of all its N subscribers together, and goes on reading until it is killed. With `--sequence` messages are
//! numbered, and `sub` prints `lost=N`, too. `pub` waits for subscriptions to arrive, then publishes as fast as it
//! can, or `--rate` messages a second, and prints `sentrate=N`.

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
use enfonet_measure::Outcome;

/// Load from prepared bytes.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Counts messages for some seconds from the first one on, and prints their rate.
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
        /// Expects numbered messages, and counts the lost messages.
        #[arg(long)]
        sequence: bool,
    },
    /// Publishes messages for some seconds.
    Pub {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        #[arg(value_parser = seconds)]
        seconds: Duration,
        #[arg(default_value = "")]
        topic: String,
        /// Messages a second; none: as many as possible.
        #[arg(long)]
        rate: Option<f64>,
        /// Numbers the messages.
        #[arg(long)]
        sequence: bool,
        /// Seconds before the first message.
        #[arg(long, value_parser = seconds, default_value = "0.4")]
        pause: Duration,
    },
    /// Echoes requests for ever.
    Rep {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
    },
    /// Sends requests one after the other, and prints their times.
    Req {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        count: usize,
    },
    /// Sends requests, a window at a time, and prints the rate of the replies.
    Dealer {
        #[arg(value_parser = address)]
        endpoint: SocketAddr,
        size: usize,
        count: usize,
        window: usize,
    },
    /// Sends requests at a rate, and prints their times from the moment each was due; a lost request counts as 2 s.
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
        /// Number of connections that share the subscriptions.
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
