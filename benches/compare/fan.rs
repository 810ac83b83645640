//! Cases of one socket with many peers: fan-out, fan-in, and a publisher with subscribers.

use enfonet_measure::Outcome;

use crate::case::{Fan, Over};
use crate::endpoint::{ipc, tcp, wait_listening};
use crate::measure::{Bench, Figure, TIMEOUT};
use crate::process::Process;

/// Time for which the senders send longer than the receivers count: until the last receiver is connected and done.
const EXTRA_SECONDS: u64 = 3;

impl Bench<'_> {
    /// Measures a PUSH that deals messages to PULL peers.
    pub(crate) fn fan_out(self, fan: Fan) -> Outcome<Figure> {
        let Fan { size, peers, .. } = fan;
        self.one_to_many(
            fan,
            &format!("{size} {} {peers}", self.seconds + EXTRA_SECONDS),
            ["ventilator", "worker"],
        )
    }

    /// Measures a PUB with SUB peers that have subscribed to all its messages.
    pub(crate) fn publish(self, fan: Fan) -> Outcome<Figure> {
        let Fan { size, peers, .. } = fan;
        self.one_to_many(
            fan,
            &format!("{size} {} bind {peers}", self.seconds + EXTRA_SECONDS),
            ["pub", "sub"],
        )
    }

    fn one_to_many(self, fan: Fan, arguments: &str, [sender, receiver]: [&str; 2]) -> Outcome<Figure> {
        let endpoint = self.fan_endpoint(fan.over)?;
        let sender = self.fan_end(fan.over, &format!("{sender} {endpoint} {arguments}"))?;
        wait_listening(&endpoint)?;
        let role = format!("{receiver} {endpoint} {} {}", fan.size, self.seconds);
        let start = |_| self.fan_end(fan.over, &role);
        let receivers = (0..fan.peers).map(start).collect::<Outcome<Vec<Process>>>()?;
        measured(&receivers, &[sender])
    }

    /// Measures a PULL with PUSH peers.
    pub(crate) fn fan_in(self, fan: Fan) -> Outcome<Figure> {
        let endpoint = self.fan_endpoint(fan.over)?;
        let role = format!("sink {endpoint} {} {} {}", fan.size, self.seconds, fan.peers);
        let sink = self.fan_end(fan.over, &role)?;
        wait_listening(&endpoint)?;
        let role = format!("source {endpoint} {} {}", fan.size, self.seconds + EXTRA_SECONDS);
        let start = |_| self.fan_end(fan.over, &role);
        let sources = (0..fan.peers).map(start).collect::<Outcome<Vec<Process>>>()?;
        measured(&[sink], &sources)
    }

    fn fan_endpoint(self, over: Over) -> Outcome<String> {
        if over == Over::Curve {
            self.check_has_curve()?;
        }
        let [tcp] = tcp()?;
        Ok(if over == Over::Ipc { ipc() } else { tcp })
    }

    fn fan_end(self, over: Over, role: &str) -> Outcome<Process> {
        let curve = if over == Over::Curve { "--curve " } else { "" };
        self.programs.load(self.implementation, &format!("{curve}{role}"))
    }
}

/// Waits until the receivers have counted. Returns their rate together, the processor time of all processes for each
/// received message, and the memory of the largest.
fn measured(receivers: &[Process], senders: &[Process]) -> Outcome<Figure> {
    let (mut value, mut messages, mut memory) = (0.0, 0.0, 0.0);
    for receiver in receivers {
        let [rate, count, peak] = receiver.numbers(["rate", "n", "peak"], TIMEOUT)?;
        (value, messages, memory) = (value + rate, messages + count, peak.max(memory));
    }
    let cpu = receivers.iter().chain(senders).map(Process::cpu).sum::<Outcome<f64>>()?;
    for sender in senders {
        memory = sender.peak_memory(TIMEOUT)?.max(memory);
    }
    Ok(Figure { cpu: Some(cpu / messages * 1e6), memory: Some(memory), ..value.into() })
}
