#![doc = include_str!("../README.md")]

mod config;
mod error;
pub mod mq;
pub mod slb;
mod tuning;

pub use config::{Config, Endpoints, Handover, Side};
pub use error::StartError;
