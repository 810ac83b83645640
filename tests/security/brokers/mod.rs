//! EnfoMQ and EnfoSLB with PLAIN and CURVE, between peers of pyzmq's and of ours.

mod credentials;
mod mq;
mod programs;
mod slb;
