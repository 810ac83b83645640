//! Our sockets against peers that send and expect exact bytes.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod commands;
mod fair_queueing;
mod framing;
mod greetings;
mod handshakes;
mod heartbeats;
mod identities;
mod introductions;
mod limits;
mod malformed_input;
mod monitoring;
mod partial_messages;
mod plain_mechanism;
mod requests;
mod setup;
mod subscriptions;
mod unauthenticated_peers;
mod zmtp_2_0;
