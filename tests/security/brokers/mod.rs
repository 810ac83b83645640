//! EnfoMQ and EnfoSLB, to which peers come with PLAIN or CURVE: pyzmq's, and ours.

mod credentials;
mod mq;
mod programs;
mod slb;
