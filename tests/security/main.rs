//! Mechanisms and ZAP, against pyzmq with a libzmq of its own.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod among_pyzmq;
mod authenticators;
mod brokers;
mod monitoring;
mod null;
mod pairs;
mod refusals;
mod rejected;
mod retries;
mod traffic;
mod within;
mod world;
mod zap;
