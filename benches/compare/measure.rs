//! A run of a case.

use std::time::Duration;

use enfonet_measure::Outcome;

use crate::case::Case;
use crate::endpoint::{ipc, tcp, wait_listening};
use crate::process::Process;
use crate::programs::{Broker, Implementation, Kind, Programs};

/// Maximum time until a program reports.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// Time to wait for changes that no event reports, such as a subscription that arrives at a broker.
pub(crate) const SETTLE_TIME: Duration = Duration::from_millis(500);

/// Result of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Messages a second, microseconds or bytes.
    pub(crate) value: f64,
    /// Processor time for each delivered message, in microseconds, of the broker or of both ends together.
    pub(crate) cpu: Option<f64>,
    /// Peak memory of the largest process, in bytes.
    pub(crate) memory: Option<f64>,
    /// Share of messages that a subscriber received, of all published since its first one, by their numbers.
    pub(crate) delivered: Option<f64>,
}

/// A stream of messages through a queue broker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow<'a> {
    pub(crate) size: usize,
    pub(crate) subscribers: usize,
    pub(crate) topic: &'a str,
    /// Number of other topics that the broker knows.
    pub(crate) known: usize,
    /// Messages a second, or `None` for as many as the broker takes.
    pub(crate) rate: Option<f64>,
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self { value, cpu: None, memory: None, delivered: None }
    }
}

/// An implementation to measure, its programs, and the approximate time of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) implementation: Implementation,
    pub(crate) seconds: u64,
}

impl Bench<'_> {
    pub(crate) fn run(self, case: Case) -> Outcome<Figure> {
        let [endpoint] = tcp()?;
        match case {
            Case::Thr { size } => self.stream(&endpoint, ["pull", "push"], size),
            Case::Thrb { size } if self.implementation == Implementation::Enfonet => {
                self.stream(&endpoint, ["pullb", "pushb"], size)
            }
            Case::Thrb { size } => self.stream(&endpoint, ["pull", "push"], size),
            Case::IpcThr { size } => self.stream(&ipc(), ["pull", "push"], size),
            Case::Lat { size } => self.latency(&endpoint, ["rep", "req"], size),
            // The other implementations either block anyway, or have no blocking sockets.
            Case::BlockingLat { size } => {
                let roles = match self.implementation {
                    Implementation::Enfonet | Implementation::Omq => ["blocking-rep", "blocking-req"],
                    _ => ["rep", "req"],
                };
                self.latency(&endpoint, roles, size)
            }
            Case::Dr { size, window } => self.window(&endpoint, size, window),
            Case::FanOut(fan) => self.fan_out(fan),
            Case::FanIn(fan) => self.fan_in(fan),
            Case::PubSub(fan) => self.publish(fan),
            Case::Mq { size, subscribers } => {
                self.queue(&self.broker(Kind::Mq)?, Flow { size, subscribers, ..Flow::default() })
            }
            Case::MqHalf { size, subscribers } => self.half(Flow { size, subscribers, ..Flow::default() }),
            Case::MqFilter { size, idle } => self.filter(size, idle),
            Case::Slb { size, clients, workers } => self.balance(size, clients, workers),
            Case::SlbLat { size } => self.balanced_latency(size),
            Case::Mem { subscribers } => self.memory(subscribers),
            Case::CurveThr { size } => self.curve_stream(size),
            Case::CurveMq { size, subscribers } => self.curve_queue(size, subscribers),
            Case::CurveHs { clients } => self.curve_handshakes(clients),
        }
    }

    /// Returns the number of messages for a run of about `seconds`, if the fast implementations reach `rate`. Slow
    /// implementations get a quarter.
    pub(crate) fn count(self, rate: f64) -> usize {
        let slow = matches!(self.implementation, Implementation::Rzmq | Implementation::Zmqrs);
        (rate * self.seconds as f64 / if slow { 4.0 } else { 1.0 }) as usize + 1000
    }

    pub(crate) fn broker(self, kind: Kind) -> Outcome<Broker> {
        self.programs.broker(self.implementation, kind)
    }

    /// Measures messages a second in one direction, and the processor time of both ends for each message.
    pub(crate) fn stream(self, endpoint: &str, roles: [&str; 2], size: usize) -> Outcome<Figure> {
        self.counted_stream(endpoint, roles, size, self.count(1.2e9 / (size as f64 + 180.0)))
    }

    /// Measures as [`stream`](Self::stream) does, with `count` messages.
    pub(crate) fn counted_stream(
        self,
        endpoint: &str,
        [pull, push]: [&str; 2],
        size: usize,
        count: usize,
    ) -> Outcome<Figure> {
        let pull = self.programs.load(self.implementation, &format!("{pull} {endpoint} {size} {count}"))?;
        wait_listening(endpoint)?;
        let push = self.programs.load(self.implementation, &format!("{push} {endpoint} {size} {count}"))?;
        let [value, memory] = pull.numbers(["rate", "peak"], TIMEOUT)?;
        let memory = push.peak_memory(TIMEOUT)?.max(memory);
        let cpu = (pull.cpu()? + push.cpu()?) / count as f64 * 1e6;
        Ok(Figure { memory: Some(memory), cpu: Some(cpu), ..value.into() })
    }

    fn latency(self, endpoint: &str, [rep, req]: [&str; 2], size: usize) -> Outcome<Figure> {
        let _rep = self.programs.load(self.implementation, &format!("{rep} {endpoint} bind"))?;
        wait_listening(endpoint)?;
        let count = self.count(8e3);
        let req = self.programs.load(self.implementation, &format!("{req} {endpoint} {size} {count}"))?;
        req.number("p50", TIMEOUT).map(Into::into)
    }

    fn window(self, endpoint: &str, size: usize, window: usize) -> Outcome<Figure> {
        let _router = self.programs.load(self.implementation, &format!("router {endpoint}"))?;
        wait_listening(endpoint)?;
        let role = format!("dealer {endpoint} {size} {} {window}", self.count(1e5));
        self.programs.load(self.implementation, &role)?.number("rate", TIMEOUT).map(Into::into)
    }

    /// Measures one subscriber, while `idle` others receive nothing.
    fn filter(self, size: usize, idle: usize) -> Outcome<Figure> {
        let broker = self.broker(Kind::Mq)?;
        let crowd = self.programs.raw(&format!("conns {} SUB {idle} 60", broker.back))?;
        crowd.number("up", TIMEOUT)?;
        std::thread::sleep(SETTLE_TIME);
        self.queue(&broker, Flow { size, subscribers: 1, topic: "hot.", known: idle, ..Flow::default() })
    }

    /// Measures a queue broker at half of its maximum rate.
    fn half(self, flow: Flow<'_>) -> Outcome<Figure> {
        let most = self.queue(&self.broker(Kind::Mq)?, flow)?.value / flow.subscribers as f64;
        self.queue(&self.broker(Kind::Mq)?, Flow { rate: Some(most / 2.0), ..flow })
    }

    /// Measures the rate through a broker, of all subscribers to one topic together.
    pub(crate) fn queue(self, broker: &Broker, flow: Flow<'_>) -> Outcome<Figure> {
        let (seconds, Flow { size, subscribers, topic, known, rate }) = (self.seconds, flow);
        // A few subscribers have a program each, so that none waits for another. Many share a program: none has much
        // to do.
        let (programs, peers) = if subscribers > 8 { (1, subscribers) } else { (subscribers, 1) };
        let role = format!("sub {} {size} {seconds} --peers {peers} --sequence {topic}", broker.back);
        let subscribe = |_| self.programs.raw(&role);
        let programs = (0..programs).map(subscribe).collect::<Outcome<Vec<Process>>>()?;
        for program in &programs {
            program.number("up", TIMEOUT)?;
        }
        std::thread::sleep(SETTLE_TIME);
        // The broker sends the publisher all topics that it knows first.
        let pause = SETTLE_TIME.as_secs_f64() + known as f64 * 3e-6;
        let rate = rate.map_or_else(String::new, |rate| format!("--rate {rate:.0}"));
        let role =
            format!("pub {} {size} {} {topic} --sequence --pause {pause} {rate}", broker.front, seconds + 1);
        let _publisher = self.programs.raw(&role)?;
        std::thread::sleep(Duration::from_secs_f64(pause) - SETTLE_TIME / 4);
        let before = broker.process.cpu()?;
        let (mut value, mut messages, mut lost) = (0.0, 0.0, 0.0);
        for program in &programs {
            let [rate, count] = program.numbers(["rate", "n"], TIMEOUT)?;
            let missing = program.number("lost", TIMEOUT)?;
            (value, messages, lost) = (value + rate, messages + count, lost + missing);
        }
        let cpu = (broker.process.cpu()? - before) / messages * 1e6;
        let delivered = (messages > 0.0).then(|| messages / (messages + lost));
        Ok(Figure { cpu: Some(cpu), delivered, ..value.into() })
    }

    /// Starts workers behind a load balancer, and waits until they are connected.
    pub(crate) fn workers(self, broker: &Broker, workers: usize) -> Outcome<Vec<Process>> {
        let start = |_| self.programs.raw(&format!("rep {}", broker.back));
        let workers = (0..workers).map(start).collect::<Outcome<Vec<Process>>>()?;
        for worker in &workers {
            worker.number("up", TIMEOUT)?;
        }
        std::thread::sleep(SETTLE_TIME);
        Ok(workers)
    }

    pub(crate) fn balance(self, size: usize, clients: usize, workers: usize) -> Outcome<Figure> {
        let broker = self.broker(Kind::Slb)?;
        let _workers = self.workers(&broker, workers)?;
        let count = self.count(2e5) / clients;
        let before = broker.process.cpu()?;
        let start = |_| self.programs.raw(&format!("dealer {} {size} {count} 64", broker.front));
        let clients = (0..clients).map(start).collect::<Outcome<Vec<Process>>>()?;
        let value = sum(&clients)?;
        let cpu = (broker.process.cpu()? - before) / (count * clients.len()) as f64 * 1e6;
        Ok(Figure { cpu: Some(cpu), ..value.into() })
    }

    fn balanced_latency(self, size: usize) -> Outcome<Figure> {
        let broker = self.broker(Kind::Slb)?;
        let _worker = self.workers(&broker, 1)?;
        let client = self.programs.raw(&format!("req {} {size} {}", broker.front, self.count(5e3)))?;
        client.number("p50", TIMEOUT).map(Into::into)
    }

    /// Measures the broker's memory for each idle subscriber.
    fn memory(self, subscribers: usize) -> Outcome<Figure> {
        self.crowd(subscribers).map(|[memory, _]| memory.into())
    }

    /// Measures the broker's bytes for each idle subscriber, and the subscribers that it lets in a second.
    pub(crate) fn crowd(self, subscribers: usize) -> Outcome<[f64; 2]> {
        let broker = self.broker(Kind::Mq)?;
        let before = broker.process.memory()?;
        let crowd = self.programs.raw(&format!("conns {} SUB {subscribers} 60", broker.back))?;
        let [up, seconds] = crowd.numbers(["up", "s"], TIMEOUT)?;
        std::thread::sleep(2 * SETTLE_TIME);
        Ok([(broker.process.memory()? - before) / up, up / seconds])
    }
}

/// Returns the sum of the rates that all processes print.
fn sum(processes: &[Process]) -> Outcome<f64> {
    processes.iter().map(|process| process.number("rate", TIMEOUT)).sum()
}
