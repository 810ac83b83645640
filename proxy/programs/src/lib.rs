//! The programs `enfomq` and `enfoslb`, which run the brokers of `enfonet-proxy`. The manual is `proxy/README.md`.
//!
//! A library, so that both programs share their parts. Its interface is a function for each program.

mod arguments;
mod credentials;
mod demo;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod heap;
mod log;
mod output;
mod plain_fields;
mod program;
mod reload;
mod run;
mod settings;
mod signals;
mod sockets;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tuning;

pub use run::{enfomq, enfoslb};
