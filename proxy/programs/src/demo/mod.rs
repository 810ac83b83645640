//! Demos of the brokers: producers and consumers, or clients and servers, that exchange messages through the broker
//! over TCP and print them.

mod mq;
mod run;
mod slb;

pub(crate) use mq::mq;
pub(crate) use slb::slb;
