#![doc = include_str!("../README.md")]

pub mod cli;
mod config;
mod credentials;
mod demo;
mod error;
pub mod mq;
mod output;
mod signals;
pub mod slb;
mod tuning;

pub use config::{Config, Endpoints, Side};
pub use error::StartError;
pub use signals::stop_signals;
