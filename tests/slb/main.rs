//! EnfoSLB between clients and workers of libzmq and of ours.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod backlog;
mod client_socket;
mod delivery;
mod file_descriptors;
mod graceful_stop;
mod handover;
mod keepalive;
mod loss_log;
mod many_clients;
mod misbehaving_peers;
mod program;
mod raw_workers;
mod restart;
mod restart_under_load;
mod setup;
mod worker_capacity;
mod worker_loss;
mod zmtp_2_0;

/// Time per request at which a worker gets its requests one by one.
const WORK: std::time::Duration = std::time::Duration::from_millis(5);
