//! Arguments of the load programs.

use clap::{Parser, Subcommand};
use enfonet_measure::Outcome;

use crate::library::{End, Kind, Library, Socket};
use crate::roles;

/// One end of a measurement, or a proxy between both.
#[derive(Debug, Parser)]
struct Cli {
    /// Encrypts with CURVE.
    #[arg(long)]
    curve: bool,
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Receives messages and prints their rate.
    Pull { endpoint: String, size: usize, count: usize },
    /// Sends messages.
    Push { endpoint: String, size: usize, count: usize },
    /// Sends messages for some seconds to PULL peers that connect.
    Ventilator { endpoint: String, size: usize, seconds: u64, peers: usize },
    /// Connects to a ventilator, counts messages for some seconds, and prints their rate.
    Worker { endpoint: String, size: usize, seconds: u64 },
    /// Counts messages of PUSH peers that connect for some seconds, and prints their rate.
    Sink { endpoint: String, size: usize, seconds: u64, peers: usize },
    /// Connects to a sink, and sends messages for some seconds.
    Source { endpoint: String, size: usize, seconds: u64 },
    /// Counts messages for some seconds from the first one on, and prints their rate.
    Sub {
        endpoint: String,
        size: usize,
        seconds: u64,
        #[arg(default_value = "")]
        topic: String,
    },
    /// Publishes messages for some seconds. A library that has to know it waits for the number of subscribers.
    Pub {
        endpoint: String,
        size: usize,
        seconds: u64,
        end: End,
        #[arg(default_value_t = 1)]
        peers: usize,
    },
    /// Echoes requests for ever.
    Rep { endpoint: String, end: End },
    /// Sends requests one after the other, and prints their times.
    Req { endpoint: String, size: usize, count: usize },
    /// Echoes messages for ever.
    Router { endpoint: String },
    /// Sends requests, a window at a time, and prints the rate of the replies.
    Dealer { endpoint: String, size: usize, count: usize, window: usize },
    /// Forwards messages from publishers to subscribers.
    Mqproxy { front: String, back: String },
    /// Forwards requests from clients to workers, and replies back.
    Slbproxy { front: String, back: String },
}

/// Runs the role that the arguments of the process name.
///
/// # Errors
/// Errors of the library.
pub async fn run<L: Library>(library: L) -> Outcome {
    let Cli { curve, role } = Cli::parse();
    let socket = |kind, end| {
        let mut socket = library.socket(kind)?;
        if curve {
            socket.encrypt(end)?;
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(socket)
    };
    match role {
        Role::Pull { endpoint, size, count } => {
            roles::pull(socket(Kind::Pull, End::Bind)?, &endpoint, size, count).await
        }
        Role::Push { endpoint, size, count } => {
            roles::push(socket(Kind::Push, End::Connect)?, &endpoint, size, count).await
        }
        Role::Sub { endpoint, size, seconds, topic } => {
            roles::sub(socket(Kind::Sub, End::Connect)?, &endpoint, size, seconds, &topic).await
        }
        Role::Pub { endpoint, size, seconds, end, peers } => {
            roles::send_for(socket(Kind::Pub, end)?, &endpoint, size, seconds, (end, peers)).await
        }
        Role::Ventilator { endpoint, size, seconds, peers } => {
            roles::send_for(socket(Kind::Push, End::Bind)?, &endpoint, size, seconds, (End::Bind, peers))
                .await
        }
        Role::Source { endpoint, size, seconds } => {
            roles::send_for(socket(Kind::Push, End::Connect)?, &endpoint, size, seconds, (End::Connect, 1))
                .await
        }
        Role::Worker { endpoint, size, seconds } => {
            roles::count_for(socket(Kind::Pull, End::Connect)?, &endpoint, size, seconds, (End::Connect, 1))
                .await
        }
        Role::Sink { endpoint, size, seconds, peers } => {
            roles::count_for(socket(Kind::Pull, End::Bind)?, &endpoint, size, seconds, (End::Bind, peers))
                .await
        }
        Role::Rep { endpoint, end } => roles::echo(socket(Kind::Rep, end)?, &endpoint, end).await,
        Role::Req { endpoint, size, count } => {
            roles::req(socket(Kind::Req, End::Connect)?, &endpoint, size, count).await
        }
        Role::Router { endpoint } => {
            roles::echo(socket(Kind::Router, End::Bind)?, &endpoint, End::Bind).await
        }
        Role::Dealer { endpoint, size, count, window } => {
            roles::dealer(socket(Kind::Dealer, End::Connect)?, &endpoint, size, count, window).await
        }
        Role::Mqproxy { front, back } if curve => {
            library.curve_proxy((Kind::XSub, &front), (Kind::XPub, &back)).await
        }
        Role::Slbproxy { front, back } if curve => {
            library.curve_proxy((Kind::Router, &front), (Kind::Dealer, &back)).await
        }
        Role::Mqproxy { front, back } => library.proxy((Kind::XSub, &front), (Kind::XPub, &back)).await,
        Role::Slbproxy { front, back } => library.proxy((Kind::Router, &front), (Kind::Dealer, &back)).await,
    }
}
