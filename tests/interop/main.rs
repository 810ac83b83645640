//! Each of our sockets with its libzmq partners, and with our own.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bind_and_connect;
mod close;
mod codec;
mod conflate;
mod endpoints;
mod heartbeats;
mod high_water_marks;
mod immediate;
mod invert_matching;
mod ipc_paths;
mod messages;
mod metadata;
mod monitoring;
mod nodrop;
mod pair;
mod pipeline;
mod pubsub;
mod reconnect;
mod reconnect_stop;
mod rejected_peers;
mod req_options;
mod reqrep;
mod router;
mod router_options;
mod setup;
mod socket_type_pairs;
mod socks_proxy;
mod xpub;
mod xpub_manual;
mod xpub_stage;
mod xpub_verbosity;
mod xpub_welcome;
