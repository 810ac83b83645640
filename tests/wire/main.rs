//! Our sockets with scripted peers, which send and expect exact bytes.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod commands;
mod fair_queueing;
mod framing;
mod greetings;
mod handshakes;
mod heartbeats;
mod high_water_marks;
mod identities;
mod limits;
mod malformed_input;
mod max_connections;
mod metadata;
mod monitoring;
mod partial_messages;
mod plain_mechanism;
mod requests;
mod setup;
mod subscriptions;
mod unauthenticated_peers;
mod zmtp_2_0;
