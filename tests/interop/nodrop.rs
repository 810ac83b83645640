//! Publishers with `nodrop`: a message is sent to all of its subscribers, or to none until all have room.

use std::time::Duration;

use enfonet::error::SendError;
use enfonet::options::{HasOptions, PublishOptions};
use enfonet::{Context, Message, Options, Pub, XPub};
use enfonet_tests::{
    AnySocket, LIBRARIES, LibZmq, Library, Runtime, Script, command, eventually, frames, wildcard,
};

/// Returns a message of 20 kB: a few such messages fill the kernel's buffers.
fn large(n: usize) -> Message {
    Message::from_frames([n.to_string().into_bytes(), vec![b'x'; 20_000]])
}

fn lossless<K: HasOptions<PublishOptions>>(options: Options<K>, hwm: usize) -> K {
    options.nodrop(true).send_hwm(hwm).build()
}

/// Returns a message larger than the kernel's buffers: it waits while a peer is connected that doesn't read.
fn huge() -> Message {
    vec![b'x'; 32 << 20].into()
}

/// Publishes until a message is returned, and returns its number.
fn fill(publisher: &Pub, begin: usize) -> usize {
    for n in begin.. {
        if let Err(error) = publisher.try_send(large(n)) {
            assert_eq!(error, SendError::Full(large(n)));
            return n;
        }
    }
    unreachable!("there is an end to all room");
}

#[test]
fn accepted_messages_arrive_and_returned_messages_do_not() {
    for transport in ["tcp", "ipc", "inproc"] {
        let (runtime, libzmq, context) = (Runtime::new(), LibZmq::new(), Context::new());
        let _guard = runtime.enter();
        let publisher = lossless(Pub::builder().context(&context), 100);
        let (_dir, wildcard) = wildcard(transport);
        let wildcard = if transport == "inproc" { "inproc://lossless".into() } else { wildcard };
        let at = runtime.run(publisher.bind(&*wildcard)).unwrap().to_string();
        let subscriber = if transport == "inproc" {
            let options = Options::default().context(&context).recv_hwm(50);
            AnySocket::ours(&runtime, zmq::SUB, options, "")
        } else {
            let socket = libzmq.socket(zmq::SUB);
            socket.set_rcvhwm(50).unwrap();
            AnySocket::libzmq(&runtime, socket, "")
        };
        subscriber.subscribe("");
        subscriber.connect(&at);
        runtime.run(publisher.wait_subscribers(1));
        let mut begin = 0;
        for _ in 0..5 {
            let end = eventually(|| Some(fill(&publisher, begin)).filter(|end| *end > begin));
            for n in begin..end {
                assert_eq!(subscriber.recv()[0], n.to_string().into_bytes(), "{transport}");
            }
            begin = end;
        }
        assert!(begin >= 100, "{transport}");
    }
}

#[test]
fn over_inproc_a_publisher_admits_as_many_messages_as_both_marks() {
    let (runtime, context) = (Runtime::new(), Context::new());
    let _guard = runtime.enter();
    let publisher = lossless(XPub::builder().context(&context), 2000);
    runtime.run(publisher.bind("inproc://marks")).unwrap();
    let subscriber = AnySocket::ours(&runtime, zmq::SUB, Options::default().context(&context), "");
    subscriber.subscribe("");
    subscriber.connect("inproc://marks");
    runtime.run(publisher.wait_subscribers(1));
    (0..1999).for_each(|_| publisher.try_send("x").unwrap());
    (0..1999).for_each(|_| assert_eq!(subscriber.recv(), frames(["x"])));
}

#[test]
fn sending_waits_for_a_slow_subscriber_and_loses_nothing() {
    const MESSAGES: usize = 3000;
    for batched in [false, true] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let publisher = lossless(XPub::builder(), 10);
        let at = runtime.bind(&publisher);
        let subscriber = libzmq.socket(zmq::SUB);
        subscriber.set_rcvhwm(10).unwrap();
        subscriber.set_subscribe(b"").unwrap();
        subscriber.connect(&at).unwrap();
        runtime.run(publisher.wait_subscribers(1));
        let sender = publisher.clone();
        let sending = runtime.spawn(async move {
            if batched {
                return sender.send_batch(&mut (0..MESSAGES).map(large).collect()).await.unwrap();
            }
            for n in 0..MESSAGES {
                sender.send(large(n)).await.unwrap();
            }
        });
        // More than all queues hold: the send waits.
        eventually(|| matches!(publisher.try_send("one more"), Err(SendError::Full(_))).then_some(()));
        assert!(!sending.is_finished());
        let mut next = 0;
        while next < MESSAGES {
            let received = subscriber.recv_multipart(0).unwrap();
            if received[0] != b"one more" {
                assert_eq!(received[0], next.to_string().into_bytes());
                next += 1;
            }
        }
        runtime.run(sending).unwrap();
    }
}

#[test]
fn a_subscriber_that_does_not_read_blocks_only_its_messages_until_it_disconnects() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let publisher = lossless(Pub::builder(), 1);
    let at = runtime.bind(&publisher);
    let other = libzmq.subscriber(&at, "");
    let mut idle = Script::join(&at, "SUB", 1);
    idle.send(&command("SUBSCRIBE", b"x"));
    runtime.run(publisher.wait_subscribers(2));
    publisher.try_send(huge()).unwrap();
    assert_eq!(other.recv_bytes(0).unwrap().len(), 32 << 20);
    // Messages of other topics don't wait for the idle subscriber.
    for text in ["small", "little"] {
        runtime.run(publisher.send(text)).unwrap();
        assert_eq!(other.recv_bytes(0).unwrap(), text.as_bytes());
    }
    assert_eq!(publisher.try_send("x 1"), Err(SendError::Full("x 1".into())));
    let sender = publisher.clone();
    let sending = runtime.spawn(async move { sender.send("x 2").await });
    runtime.run(publisher.send("still")).unwrap();
    assert_eq!(other.recv_bytes(0).unwrap(), b"still", "neither of them has reached anybody");
    assert!(!sending.is_finished());
    drop(idle);
    assert_eq!(runtime.run(sending).unwrap(), Ok(()), "nobody is waited for any more");
    assert_eq!(other.recv_bytes(0).unwrap(), b"x 2");
}

#[test]
fn a_cancelled_subscription_and_a_close_end_the_wait() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let publisher = lossless(Pub::builder(), 1);
    let at = runtime.bind(&publisher);
    let mut idle = Script::join(&at, "SUB", 1);
    idle.send(&command("SUBSCRIBE", b"x"));
    runtime.run(publisher.wait_subscribers(1));
    publisher.try_send(huge()).unwrap();
    let send = || {
        assert_eq!(publisher.try_send("x"), Err(SendError::Full("x".into())));
        let sender = publisher.clone();
        runtime.spawn(async move { sender.send("x").await })
    };
    let sending = send();
    idle.send(&command("CANCEL", b"x"));
    assert_eq!(runtime.run(sending).unwrap(), Ok(()));
    idle.send(&command("SUBSCRIBE", b"x"));
    runtime.run(publisher.wait_subscribers(1));
    let sending = send();
    runtime.run(publisher.close(Duration::ZERO));
    assert_eq!(runtime.run(sending).unwrap(), Err(SendError::Closed("x".into())));
}

#[test]
fn heartbeats_do_not_disconnect_a_slow_subscriber() {
    for library in LIBRARIES {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let heartbeat = Duration::from_millis(100);
        let publisher = lossless(Pub::builder().heartbeat_interval(heartbeat), 10);
        let at = runtime.bind(&publisher);
        let subscriber = if library == Library::Ours {
            AnySocket::ours(&runtime, zmq::SUB, Options::default().recv_hwm(10), "")
        } else {
            let socket = libzmq.socket(zmq::SUB);
            socket.set_rcvhwm(10).unwrap();
            AnySocket::libzmq(&runtime, socket, "")
        };
        subscriber.subscribe("");
        subscriber.connect(&at);
        runtime.run(publisher.wait_subscribers(1));
        let publishing = runtime.spawn(async move {
            for n in 0.. {
                publisher.send(large(n)).await.unwrap();
            }
        });
        for n in 0..600 {
            // The application takes one heartbeat interval for each megabyte.
            std::thread::sleep(heartbeat / 50);
            assert_eq!(subscriber.recv()[0], n.to_string().into_bytes(), "{library:?}");
        }
        publishing.abort();
    }
}
