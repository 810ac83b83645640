//! Operations common to libzmq's sockets in this process and in Python.

use std::time::Duration;

use crate::PySocket;

/// A socket of libzmq's or pyzmq's.
pub(super) trait Foreign {
    fn bind(&self, endpoint: &str) -> String;
    fn connect(&self, endpoint: &str);
    fn subscribe(&self, topic: &[u8]);
    fn unsubscribe(&self, topic: &[u8]);
    fn send(&self, frames: &[Vec<u8>]);
    fn recv(&self) -> Vec<Vec<u8>>;
    fn poll(&self, time: Duration) -> bool;
}

impl Foreign for zmq::Socket {
    fn bind(&self, endpoint: &str) -> String {
        self.bind(endpoint).expect("the endpoint is free");
        self.get_last_endpoint().expect("an option").expect("text")
    }

    fn connect(&self, endpoint: &str) {
        self.connect(endpoint).expect("a valid endpoint");
    }

    fn subscribe(&self, topic: &[u8]) {
        self.set_subscribe(topic).expect("an option");
    }

    fn unsubscribe(&self, topic: &[u8]) {
        self.set_unsubscribe(topic).expect("an option");
    }

    fn send(&self, frames: &[Vec<u8>]) {
        self.send_multipart(frames, 0).expect("it is sent");
    }

    fn recv(&self) -> Vec<Vec<u8>> {
        self.recv_multipart(0).expect("a message")
    }

    fn poll(&self, time: Duration) -> bool {
        let time = i64::try_from(time.as_millis()).expect("a short time");
        self.poll(zmq::POLLIN, time).expect("the socket is open") > 0
    }
}

impl Foreign for PySocket {
    fn bind(&self, endpoint: &str) -> String {
        self.bind(endpoint)
    }

    fn connect(&self, endpoint: &str) {
        self.connect(endpoint);
    }

    fn subscribe(&self, topic: &[u8]) {
        self.subscribe(topic);
    }

    fn unsubscribe(&self, topic: &[u8]) {
        self.unsubscribe(topic);
    }

    fn send(&self, frames: &[Vec<u8>]) {
        self.send(frames);
    }

    fn recv(&self) -> Vec<Vec<u8>> {
        self.recv()
    }

    fn poll(&self, time: Duration) -> bool {
        self.poll(time)
    }
}
