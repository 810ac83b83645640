//! Cases of one socket with many peers: fan-out, fan-in, and a publisher with subscribers.

use enfonet_measure::Outcome;

use crate::case::{Fan, Over};
use crate::endpoint::{ipc, tcp, wait_listening};
use crate::measure::{Bench, Figure, TIMEOUT};
use crate::process::Process;

/// Time for which the senders send longer than the receivers count: until the last receiver is connected and done.
const EXTRA_SECONDS: u64 = 3;

/// Role of an end, and its arguments behind the endpoint.
type End<'a> = (&'a str, String);

impl Bench<'_> {
    /// Measures a PUSH that deals messages to PULL peers.
    pub(crate) fn fan_out(self, fan: Fan) -> Outcome<Figure> {
        let Fan { size, peers, .. } = fan;
        let arguments = format!("{size} {} {peers}", self.sending_seconds());
        self.one_to_many(fan, ("ventilator", arguments), "worker")
    }

    /// Measures a PUB with SUB peers that have subscribed to all its messages.
    pub(crate) fn publish(self, fan: Fan) -> Outcome<Figure> {
        let Fan { size, peers, .. } = fan;
        let arguments = format!("{size} {} bind {peers}", self.sending_seconds());
        self.one_to_many(fan, ("pub", arguments), "sub")
    }

    fn one_to_many(self, fan: Fan, sender: End<'_>, receiver: &str) -> Outcome<Figure> {
        let receiver = (receiver, format!("{} {}", fan.size, self.seconds));
        let (sender, receivers) = self.start_ends(fan, sender, receiver)?;
        measured(&receivers, &[sender])
    }

    /// Measures a PULL with PUSH peers.
    pub(crate) fn fan_in(self, fan: Fan) -> Outcome<Figure> {
        let Fan { size, peers, .. } = fan;
        let sink = ("sink", format!("{size} {} {peers}", self.seconds));
        let source = ("source", format!("{size} {}", self.sending_seconds()));
        let (sink, sources) = self.start_ends(fan, sink, source)?;
        measured(&[sink], &sources)
    }

    const fn sending_seconds(self) -> u64 {
        self.seconds + EXTRA_SECONDS
    }

    /// Starts the end that binds, and the peers that connect to it.
    fn start_ends(self, fan: Fan, bound: End<'_>, peer: End<'_>) -> Outcome<(Process, Vec<Process>)> {
        if fan.over == Over::Curve {
            self.check_has_curve()?;
        }
        let [tcp] = tcp()?;
        let endpoint = if fan.over == Over::Ipc { ipc() } else { tcp };
        let curve = if fan.over == Over::Curve { "--curve " } else { "" };
        let start = |(role, arguments): &End<'_>| {
            self.programs.load(self.implementation, &format!("{curve}{role} {endpoint} {arguments}"))
        };
        let bound = start(&bound)?;
        wait_listening(&endpoint)?;
        let peers = (0..fan.peers).map(|_| start(&peer)).collect::<Outcome<_>>()?;
        Ok((bound, peers))
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
