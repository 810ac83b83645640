//! EnfoMQ and EnfoSLB with PLAIN and CURVE, between peers of pyzmq's and of ours.

mod credentials;
mod hostile_logs;
mod mq;
mod programs;
mod slb;
