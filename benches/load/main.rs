//! `enfonet-load`: one end of a measurement, written as a user of the library would write it.
//!
//! ```text
//! enfonet-load pull       ENDPOINT SIZE COUNT [MORE…]    binds, receives COUNT messages, prints their rate
//! enfonet-load push       ENDPOINT SIZE COUNT [MORE…]    connects, sends COUNT messages
//! enfonet-load pullb      ENDPOINT SIZE COUNT            the same by batches
//! enfonet-load pushb      ENDPOINT SIZE COUNT
//! enfonet-load ventilator ENDPOINT SIZE SECONDS [PEERS]  binds a PUSH, sends for SECONDS
//! enfonet-load worker     ENDPOINT SIZE SECONDS          connects a PULL, counts for SECONDS, prints the rate
//! enfonet-load sink       ENDPOINT SIZE SECONDS [PEERS]  binds a PULL, counts for SECONDS, prints the rate
//! enfonet-load source     ENDPOINT SIZE SECONDS          connects a PUSH, sends for SECONDS
//! enfonet-load sub        ENDPOINT SIZE SECONDS TOPIC    connects, counts for SECONDS, prints the rate
//! enfonet-load pub        ENDPOINT SIZE SECONDS bind|connect [PEERS]
//! enfonet-load rep        ENDPOINT bind|connect          echoes for ever
//! enfonet-load req        ENDPOINT SIZE COUNT            prints the time of requests
//! enfonet-load blocking-rep ENDPOINT bind|connect        the same by blocking sockets
//! enfonet-load blocking-req ENDPOINT SIZE COUNT
//! enfonet-load router     ENDPOINT                       echoes for ever
//! enfonet-load dealer     ENDPOINT SIZE COUNT WINDOW     WINDOW requests pending, prints the rate
//! ```
//!
//! With MORE endpoints, the socket connects to all endpoints, and waits for all peers first. PEERS, the number of
//! peers, is for programs that have to know it, and has no effect here. `--threads N` before the role runs it on N
//! worker threads instead of the main thread, and `--in-main` in the future of `block_on` instead of a task. `--curve`
//! encrypts with CURVE; the end that binds is the server.

mod blocking;
mod end;
mod exchange;
mod publish;
mod stream;
mod timed;

use clap::{Parser, Subcommand};
use enfonet::Endpoint;
use enfonet::auth::Security;
use enfonet_measure::Outcome;

use end::End;

/// One end of a measurement.
#[derive(Debug, Parser)]
struct Cli {
    /// Number of worker threads; 0: the main thread only.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Encrypts with CURVE.
    #[arg(long)]
    curve: bool,
    /// Runs in the future of `block_on`, not in a task.
    #[arg(long)]
    in_main: bool,
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Receives messages and prints their rate.
    Pull { endpoint: Endpoint, size: usize, count: usize, more: Vec<Endpoint> },
    /// Sends messages.
    Push { endpoint: Endpoint, size: usize, count: usize, more: Vec<Endpoint> },
    /// Receives messages in batches and prints their rate.
    Pullb { endpoint: Endpoint, size: usize, count: usize },
    /// Sends messages in batches.
    Pushb { endpoint: Endpoint, size: usize, count: usize },
    /// Sends messages for some seconds to PULL peers that connect.
    Ventilator {
        endpoint: Endpoint,
        size: usize,
        seconds: u64,
        #[arg(default_value_t = 1)]
        peers: usize,
    },
    /// Connects to a ventilator, counts messages for some seconds, and prints their rate.
    Worker { endpoint: Endpoint, size: usize, seconds: u64 },
    /// Counts messages of PUSH peers that connect for some seconds, and prints their rate.
    Sink {
        endpoint: Endpoint,
        size: usize,
        seconds: u64,
        #[arg(default_value_t = 1)]
        peers: usize,
    },
    /// Connects to a sink, and sends messages for some seconds.
    Source { endpoint: Endpoint, size: usize, seconds: u64 },
    /// Counts messages for some seconds from the first one on, and prints their rate.
    Sub {
        endpoint: Endpoint,
        size: usize,
        seconds: u64,
        #[arg(default_value = "")]
        topic: String,
    },
    /// Publishes messages for some seconds.
    Pub {
        endpoint: Endpoint,
        size: usize,
        seconds: u64,
        end: End,
        #[arg(default_value_t = 1)]
        peers: usize,
    },
    /// Echoes requests for ever.
    Rep { endpoint: Endpoint, end: End },
    /// Sends requests one after the other, and prints their times.
    Req { endpoint: Endpoint, size: usize, count: usize },
    /// Echoes requests for ever, by a blocking socket.
    BlockingRep { endpoint: Endpoint, end: End },
    /// Sends requests one after the other by a blocking socket, and prints their times.
    BlockingReq { endpoint: Endpoint, size: usize, count: usize },
    /// Echoes messages for ever.
    Router { endpoint: Endpoint },
    /// Sends requests, a window at a time, and prints the rate of the replies.
    Dealer { endpoint: Endpoint, size: usize, count: usize, window: usize },
}

fn main() -> Outcome {
    let cli = Cli::parse();
    match cli.role {
        Role::BlockingRep { endpoint, end } => return blocking::rep(endpoint, end),
        Role::BlockingReq { endpoint, size, count } => return blocking::req(endpoint, size, count),
        _ => {}
    }
    let runtime = match cli.threads {
        0 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        threads => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?
        }
    };
    let role = play(cli.role, cli.curve);
    if cli.in_main { runtime.block_on(role) } else { runtime.block_on(runtime.spawn(role))? }
}

/// Runs a role to its end.
async fn play(role: Role, curve: bool) -> Outcome {
    let [bound, connected] = if curve { enfonet_benches::curve() } else { [Security::Null, Security::Null] };
    let at = |end| match end {
        End::Bind => bound.clone(),
        End::Connect => connected.clone(),
    };
    match role {
        Role::Pull { endpoint, size, count, more } => {
            stream::pull(endpoint, &more, at(End::Bind), size, count).await
        }
        Role::Push { endpoint, size, count, more } => {
            stream::push(endpoint, &more, at(End::Connect), size, count).await
        }
        Role::Pullb { endpoint, size, count } => {
            stream::pull_batches(endpoint, at(End::Bind), size, count).await
        }
        Role::Pushb { endpoint, size, count } => {
            stream::push_batches(endpoint, at(End::Connect), size, count).await
        }
        Role::Ventilator { endpoint, size, seconds, peers: _ } => {
            stream::push_for(endpoint, at(End::Bind), size, seconds, End::Bind).await
        }
        Role::Source { endpoint, size, seconds } => {
            stream::push_for(endpoint, at(End::Connect), size, seconds, End::Connect).await
        }
        Role::Worker { endpoint, size, seconds } => {
            stream::pull_for(endpoint, at(End::Connect), size, seconds, End::Connect).await
        }
        Role::Sink { endpoint, size, seconds, peers: _ } => {
            stream::pull_for(endpoint, at(End::Bind), size, seconds, End::Bind).await
        }
        Role::Sub { endpoint, size, seconds, topic } => {
            publish::sub(endpoint, at(End::Connect), size, seconds, &topic).await
        }
        Role::Pub { endpoint, size, seconds, end, peers: _ } => {
            publish::publish(endpoint, at(end), size, seconds, end).await
        }
        Role::Rep { endpoint, end } => exchange::rep(endpoint, at(end), end).await,
        Role::Req { endpoint, size, count } => exchange::req(endpoint, at(End::Connect), size, count).await,
        Role::BlockingRep { .. } | Role::BlockingReq { .. } => unreachable!("they run without a runtime"),
        Role::Router { endpoint } => exchange::router(endpoint, at(End::Bind)).await,
        Role::Dealer { endpoint, size, count, window } => {
            exchange::dealer(endpoint, at(End::Connect), size, count, window).await
        }
    }
}
