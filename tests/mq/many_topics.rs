//! A subscriber with very many topics: its memory, and the delays of others when it connects and disconnects.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use enfonet_tests::{DEADLINE, LibZmq, Process, Script, command, eventually, message};

use crate::memory_after_storm::expect_returned;

/// Number of topics: a program without optimisation reads them within seconds.
const TOPICS: usize = 500_000;
/// Maximum bytes per topic: index, list of the subscriber's topics, copy for publishers.
const BYTES_EACH: usize = 150;
/// Maximum delay of a message meanwhile. A slice takes some 20 ms in a program without optimisation, and
/// other programs may run beside the test; all topics at once would take seconds.
const STALL: Duration = Duration::from_millis(500);

/// Returns commands with random topics of 12 bytes, the same in each call.
fn commands(name: &str) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut topic = [0; 12];
    let topics = (0..TOPICS).flat_map(|_| {
        random.fill(&mut topic);
        command(name, &topic)
    });
    topics.collect()
}

/// A publisher that reads its subscriptions.
struct Publisher {
    stream: TcpStream,
    /// Bytes of subscriptions received so far.
    received: Arc<AtomicUsize>,
    reading: JoinHandle<()>,
}

impl Publisher {
    fn connect(endpoint: &str) -> Self {
        let stream = Script::join(endpoint, "PUB", 1).into_stream();
        let (mut incoming, received) = (stream.try_clone().unwrap(), Arc::<AtomicUsize>::default());
        let counter = received.clone();
        let reading = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read @ 1..) = incoming.read(&mut buffer) {
                counter.fetch_add(read, Ordering::Relaxed);
            }
        });
        Self { stream, received, reading }
    }

    /// Sends messages to a reader until this publisher has received this many bytes of subscriptions. Returns the
    /// longest delay of a message.
    fn worst_until(&mut self, received: usize, reader: &zmq::Socket) -> Duration {
        let (start, mut worst) = (Instant::now(), Duration::ZERO);
        while self.received.load(Ordering::Relaxed) < received {
            assert!(
                start.elapsed() < DEADLINE,
                "{:?} of {received} bytes of subscriptions arrived",
                self.received
            );
            let sent = Instant::now();
            self.stream.write_all(&message(&["~probe"])).unwrap();
            assert_eq!(reader.recv_bytes(0).unwrap(), b"~probe");
            worst = worst.max(sent.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        worst
    }

    fn leave(self) {
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
        self.reading.join().unwrap();
    }
}

#[test]
fn many_topics_cost_at_most_150_bytes_each_and_their_changes_delay_no_message() {
    let libzmq = LibZmq::new();
    let broker = Process::tcp("enfomq");
    let idle = broker.memory();
    let mut publisher = Publisher::connect(&broker.frontend()[0]);
    let reader = libzmq.subscriber(&broker.backend()[0], "~probe");
    let mut received = command("SUBSCRIBE", b"~probe").len();
    eventually(|| (publisher.received.load(Ordering::Relaxed) == received).then_some(()));

    let subscribes = commands("SUBSCRIBE");
    received += subscribes.len();
    let mut subscriber = Script::join(&broker.backend()[0], "SUB", 1);
    let sending = std::thread::spawn(move || {
        subscriber.send(&subscribes);
        subscriber
    });
    let coming = publisher.worst_until(received, &reader);
    let [taken, peak] = [broker.memory(), broker.peak_memory()].map(|bytes| (bytes - idle) / TOPICS);

    // Another publisher receives all topics.
    let mut late = Publisher::connect(&broker.frontend()[0]);
    let telling = late.worst_until(received, &reader);
    late.leave();

    // The subscriber cancels half of its topics, and disconnects with the others.
    let cancels = commands("CANCEL");
    let half = cancels.len() / TOPICS * (TOPICS / 2);
    let mut subscriber = sending.join().unwrap();
    let cancelling = std::thread::spawn(move || {
        subscriber.send(&cancels[..half]);
        subscriber
    });
    let taking_back = publisher.worst_until(received + half, &reader);
    received += half * 2;
    drop(cancelling.join().unwrap());
    let going = publisher.worst_until(received, &reader);
    let stalls = [coming, telling, taking_back, going];
    println!("{taken} bytes each, {peak} at the peak; coming, telling, taking back, going: {stalls:?}");
    assert!(taken.max(peak) <= BYTES_EACH, "{taken} bytes each, {peak} at the peak");
    assert!(stalls.iter().all(|stall| *stall < STALL), "{stalls:?}");
    expect_returned(&broker, idle);
    publisher.leave();
}
