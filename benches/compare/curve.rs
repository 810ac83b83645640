//! Cases with CURVE: EnfoNet beside libzmq.

use std::time::Duration;

use enfonet_measure::Outcome;

use crate::endpoint::tcp;
use crate::measure::{Bench, Figure, SETTLE_TIME, TIMEOUT};
use crate::process::Process;
use crate::programs::{Implementation, Kind};

/// Time for which a publisher waits for subscribers.
const PUBLISHER_DELAY: Duration = Duration::from_millis(700);

impl Bench<'_> {
    /// Measures messages a second from a PUSH to a PULL, and the processor time of both for each message.
    pub(crate) fn curve_stream(self, size: usize) -> Outcome<Figure> {
        self.check_has_curve()?;
        let [endpoint] = tcp()?;
        let count = self.count(6e8 / (size as f64 + 1000.0));
        self.counted_stream(&endpoint, ["--curve pull", "--curve push"], size, count)
    }

    /// Measures the rate through a queue broker. Publisher and subscribers are EnfoNet's for every broker.
    pub(crate) fn curve_queue(self, size: usize, subscribers: usize) -> Outcome<Figure> {
        self.check_has_curve()?;
        let (seconds, broker) = (self.seconds, self.broker(Kind::CurveMq)?);
        let peer = |role: &str| self.programs.load(Implementation::Enfonet, &format!("--curve {role}"));
        let subscribe = |_| peer(&format!("sub {} {size} {seconds}", broker.back));
        let subscribers = (0..subscribers).map(subscribe).collect::<Outcome<Vec<Process>>>()?;
        std::thread::sleep(SETTLE_TIME);
        let _publisher = peer(&format!("pub {} {size} {} connect", broker.front, seconds + 2))?;
        std::thread::sleep(PUBLISHER_DELAY / 2);
        let before = broker.process.cpu()?;
        let (mut value, mut messages) = (0.0, 0.0);
        for subscriber in &subscribers {
            let [rate, count] = subscriber.numbers(["rate", "n"], TIMEOUT)?;
            (value, messages) = (value + rate, messages + count);
        }
        let cpu = (broker.process.cpu()? - before) / messages * 1e6;
        Ok(Figure { cpu: Some(cpu), ..value.into() })
    }

    /// Measures handshakes a second, and the processor time of the broker for each.
    pub(crate) fn curve_handshakes(self, clients: usize) -> Outcome<Figure> {
        self.check_has_curve()?;
        let broker = self.broker(Kind::CurveMq)?;
        let before = broker.process.cpu()?;
        let crowd = self.programs.raw(&format!("conns {} SUB {clients} 60 --curve", broker.back))?;
        let [up, seconds] = crowd.numbers(["up", "s"], TIMEOUT)?;
        let cpu = (broker.process.cpu()? - before) / up * 1e6;
        Ok(Figure { cpu: Some(cpu), ..(up / seconds).into() })
    }

    pub(crate) fn check_has_curve(self) -> Outcome {
        match self.implementation {
            Implementation::Libzmq | Implementation::Enfonet => Ok(()),
            _ => Err("only EnfoNet and libzmq are measured with CURVE".into()),
        }
    }
}
