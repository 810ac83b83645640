//! The brokers with something to do: producers and consumers, clients and servers of our own, that print
//! what flows through the broker over TCP, as with any other program.

mod mq;
mod run;
mod slb;

pub(crate) use mq::mq;
pub(crate) use slb::slb;
