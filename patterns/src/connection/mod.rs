//! Connections: listening, connecting, the handshake, and the traffic of one connection.
//!
//! ```text
//!   listen ── accept ─┐
//!                     ├─► handshake ──► Connector::join ──► Driver: bytes ⇄ queues ──► part
//!   connect ──────────┘                                                  │
//!      ▲                                                                 │
//!      └──────────────────────── back-off ◄──────────────────────────────┘
//! ```
//!
//! A connection sees its socket as a [`Session`](crate::session::Session): it delivers what arrives, and takes what is
//! to be written.

mod backoff;
mod connect;
mod connector;
mod descriptors;
mod drain;
mod driver;
mod handshake;
mod handshake_slots;
mod heartbeat_timer;
mod idle_timer;
mod listen;
mod peer_guard;
mod pending_peer;
mod pipe;
mod rejection_log;
mod restriction;
mod wake_flag;
mod write_queue;

pub(crate) use connect::connect;
pub(crate) use connector::Connector;
pub(crate) use listen::listen;
pub(crate) use pipe::connect_inproc;
