//! Mechanisms and ZAP with pyzmq and its own libzmq.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod authenticators;
mod brokers;
mod handover;
mod inproc;
mod monitoring;
mod null_mechanism;
mod permissions;
mod pyzmq_both_sides;
mod rejections;
mod retry_after_rejection;
mod setup;
mod socket_type_pairs;
mod traffic;
mod zap;
