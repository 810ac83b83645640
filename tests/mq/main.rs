//! EnfoMQ between publishers and subscribers of libzmq and of ours.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod certificates;
mod chained_brokers;
mod configuration;
mod credential_files;
mod delivery;
mod graceful_stop;
mod limits;
mod many_peers;
mod many_topics;
mod memory_after_storm;
mod program;
mod rejection_log;
mod reload;
mod restart;
mod rules;
mod setup;
mod slow_subscribers;
mod subscriptions;
mod upstream_messages;
mod zmtp_2_0;
