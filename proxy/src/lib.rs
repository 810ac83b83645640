#![doc = include_str!("../README.md")]

mod config;
mod error;
pub mod mq;
mod peers;
pub mod slb;
mod tuning;

pub use config::{Config, Endpoints, Handover, Side};
pub use error::StartError;
pub use peers::Peers;
