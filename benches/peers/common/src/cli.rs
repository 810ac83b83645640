//! The arguments.

use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::{Kind, Library, Outcome, roles};

/// One end of a measurement, or what stands between.
#[derive(Debug, Parser)]
enum Role {
    /// Receives so many messages and prints their rate.
    Pull { endpoint: String, size: usize, count: usize },
    /// Sends so many messages.
    Push { endpoint: String, size: usize, count: usize },
    /// Counts what comes for so long from the first message on, and prints the rate.
    Sub {
        endpoint: String,
        size: usize,
        seconds: u64,
        #[arg(default_value = "")]
        topic: String,
    },
    /// Publishes for so long.
    Pub { endpoint: String, size: usize, seconds: u64, end: End },
    /// Echoes requests for ever.
    Rep { endpoint: String, end: End },
    /// Sends so many requests, one after the other, and prints how long they take.
    Req { endpoint: String, size: usize, count: usize },
    /// Echoes messages for ever.
    Router { endpoint: String },
    /// Sends so many requests, some at a time, and prints the rate of the replies.
    Dealer { endpoint: String, size: usize, count: usize, window: usize },
    /// Stands between publishers and subscribers.
    Mqproxy { front: String, back: String },
    /// Stands between clients and workers.
    Slbproxy { front: String, back: String },
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum End {
    /// The one that listens.
    Bind,
    /// The one that connects.
    Connect,
}

/// Plays the role that the arguments of the process name.
///
/// # Errors
/// Those of the library.
pub async fn run<L: Library>(library: L) -> Outcome {
    match Role::parse() {
        Role::Pull { endpoint, size, count } => {
            roles::pull(library.socket(Kind::Pull)?, &endpoint, size, count).await
        }
        Role::Push { endpoint, size, count } => {
            roles::push(library.socket(Kind::Push)?, &endpoint, size, count).await
        }
        Role::Sub { endpoint, size, seconds, topic } => {
            let time = Duration::from_secs(seconds);
            roles::sub(library.socket(Kind::Sub)?, &endpoint, size, time, &topic).await
        }
        Role::Pub { endpoint, size, seconds, end } => {
            let time = Duration::from_secs(seconds);
            roles::publish(library.socket(Kind::Pub)?, &endpoint, size, time, end).await
        }
        Role::Rep { endpoint, end } => roles::echo(library.socket(Kind::Rep)?, &endpoint, end).await,
        Role::Req { endpoint, size, count } => {
            roles::req(library.socket(Kind::Req)?, &endpoint, size, count).await
        }
        Role::Router { endpoint } => roles::echo(library.socket(Kind::Router)?, &endpoint, End::Bind).await,
        Role::Dealer { endpoint, size, count, window } => {
            roles::dealer(library.socket(Kind::Dealer)?, &endpoint, size, count, window).await
        }
        Role::Mqproxy { front, back } => library.proxy((Kind::XSub, &front), (Kind::XPub, &back)).await,
        Role::Slbproxy { front, back } => library.proxy((Kind::Router, &front), (Kind::Dealer, &back)).await,
    }
}
