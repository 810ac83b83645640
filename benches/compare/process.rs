//! Processes of the measured programs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use enfonet_measure::Outcome;

/// Ticks of a second, in which Linux counts processor time.
const TICKS_PER_SECOND: f64 = 100.0;
/// Time between two checks of whether a program is idle.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// A program that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    command: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let shown = format!("{command:?}");
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("{shown}: {error}"))?;
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (line, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        Ok(Self { child, lines, command: shown })
    }

    /// Waits for a line with `key=NUMBER`, and returns the number.
    pub(crate) fn number(&self, key: &str, timeout: Duration) -> Outcome<f64> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.map_err(|error| format!("{}: no {key}: {error}", self.command))?;
            if let Some(number) = number(&line, key) {
                return Ok(number);
            }
        }
    }

    /// Waits for a line, and returns the numbers of all keys.
    pub(crate) fn numbers<const N: usize>(&self, keys: [&str; N], timeout: Duration) -> Outcome<[f64; N]> {
        let line = self.lines.recv_timeout(timeout).map_err(|error| format!("{}: {error}", self.command))?;
        let numbers = keys.map(|key| number(&line, key));
        if numbers.iter().any(Option::is_none) {
            return Err(format!("{}: {line}", self.command).into());
        }
        Ok(numbers.map(Option::unwrap_or_default))
    }

    /// Returns the processor time used so far, in seconds.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name before may have spaces, and ends with the last parenthesis; then utime and stime are 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
        let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(times.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
    }

    /// Waits until the process uses less than a tenth of a processor.
    pub(crate) fn wait_idle(&self, timeout: Duration) -> Outcome {
        let deadline = Instant::now() + timeout;
        let mut used = self.cpu()?;
        while Instant::now() < deadline {
            std::thread::sleep(CHECK_INTERVAL);
            let before = std::mem::replace(&mut used, self.cpu()?);
            if used - before <= CHECK_INTERVAL.as_secs_f64() / 10.0 {
                return Ok(());
            }
        }
        Err(format!("{} doesn't come to rest", self.command).into())
    }

    /// Returns the resident memory, in bytes.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        self.status("VmRSS:")
    }

    /// Returns the peak of the resident memory so far, in bytes: as the system knows it, or as the program has printed
    /// it at its end.
    pub(crate) fn peak_memory(&self, timeout: Duration) -> Outcome<f64> {
        self.status("VmHWM:").or_else(|_| self.number("peak", timeout))
    }

    fn status(&self, key: &str) -> Outcome<f64> {
        let bytes = enfonet_measure::status_bytes(&self.child.id().to_string(), key);
        bytes.map(|bytes| bytes as f64).ok_or_else(|| format!("{}: no {key}", self.command).into())
    }
}

fn number(line: &str, key: &str) -> Option<f64> {
    line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
