//! `Framed` peers: the codec and its example, with libzmq.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use enfonet_tests::{LibZmq, Runtime, eventually, frames};
use enfonet_zmtp::codec::{self, Traffic};
use enfonet_zmtp::{Entropy, HandshakeConfig, Limits, Message, SocketType, Verdict};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;

#[test]
fn a_framed_dealer_talks_with_a_libzmq_router() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = libzmq.bound(zmq::ROUTER, "tcp://127.0.0.1:*");
    let mut config = HandshakeConfig::new(SocketType::Dealer);
    config.local.identity = "me".into();
    let (mut peer, who) = runtime.run(async {
        let stream = TcpStream::connect(at.trim_start_matches("tcp://")).await.unwrap();
        let everybody = async |_| Verdict::allow();
        codec::connect(stream, config, Entropy::none(), Limits::default(), everybody).await.unwrap()
    });
    assert_eq!(who.socket_type, Some(SocketType::Router));
    runtime.run(peer.send(Message::from_frames(["", "question"]))).unwrap();
    assert_eq!(router.recv_multipart(0).unwrap(), frames(["me", "", "question"]));
    router.send_multipart(["me", "", "answer"], 0).unwrap();
    let answer = runtime.run(peer.next()).unwrap().unwrap();
    assert_eq!(answer, Traffic::Message(Message::from_frames(["", "answer"])));
}

/// A child process, killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_prints_what_a_libzmq_publisher_publishes() {
    let (publisher, at) = LibZmq::new().bound(zmq::XPUB, "tcp://127.0.0.1:*");
    let build = escargot::CargoBuild::new().package("enfonet-zmtp").example("subscriber").features("codec");
    let example = build.current_target().run().expect("the example builds");
    let address = at.trim_start_matches("tcp://");
    let mut process = Killed(example.command().args([address, "a"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "connected to Some(XPub) of ZMTP 3.1");
    assert_eq!(publisher.recv_bytes(0).unwrap(), b"\x01a");
    for topic in ["b", "a1", "c", "a2"] {
        publisher.send(topic, 0).unwrap();
    }
    assert!(lines.next().unwrap().contains("a1"));
    assert!(lines.next().unwrap().contains("a2"));
    drop(publisher);
    let ended = eventually(|| process.0.try_wait().unwrap());
    assert!(ended.success(), "{ended}");
}
