//! Each socket of ours against its libzmq partners, and against ours.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bind_and_connect;
mod close;
mod codec;
mod endpoints;
mod heartbeats;
mod high_water_marks;
mod invert_matching;
mod ipc_paths;
mod messages;
mod monitoring;
mod nodrop;
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
mod xpub_verbosity;
