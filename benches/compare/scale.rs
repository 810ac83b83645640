//! Scaling of EnfoNet and libzmq, and with many peers also of others, as data and as pictures.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use enfonet_measure::Outcome;

use crate::case::{Fan, Over};
use crate::document::Table;
use crate::endpoint::tcp;
use crate::measure::{Bench, Flow};
use crate::plot::{Axis, Panel, Series, binary, decimal, svg, time};
use crate::programs::{Implementation, Kind, Programs};
use crate::table::median;

const IMPLEMENTATIONS: [Implementation; 2] = [Implementation::Libzmq, Implementation::Enfonet];
/// Size of messages to and from many peers.
const FAN_BYTES: usize = 1024;
/// Size of small messages and of requests.
const SMALL_BYTES: usize = 64;
/// Maximum time until a program reports.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Quantity that is varied along the x axis of a picture.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scale {
    /// Sizes of messages, 16 B to 1 MiB: throughput and processor time
    Sizes,
    /// Subscribers at the queue broker, 1 to 1,000
    Subscribers,
    /// Topics that the queue broker knows, 1 to 1,000,000, with messages for one topic
    Subscriptions,
    /// Connections at the queue broker, 1 to 10,000: memory and handshakes a second
    Connections,
    /// Rate of requests, from 10 % to 90 % of a load balancer's capacity: time of a request
    Latency,
    /// PULL peers of one PUSH, 1 to 32: throughput, processor time and memory
    FanOut,
    /// PUSH peers of one PULL, 1 to 32
    FanIn,
    /// SUB peers of one PUB, 1 to 32
    Publish,
}

/// A picture to draw: its name, its title, its axes, and the steps to measure.
struct Shape {
    name: &'static str,
    title: &'static str,
    x: Axis,
    /// Quantities of each point.
    y: &'static [Axis],
    steps: &'static [usize],
}

/// Point of a line: its x, and the value of each quantity.
type Point = (f64, Vec<f64>);

const RATE: Axis = Axis { label: "messages/s", column: "messages_per_second", text: decimal };
const CPU: Axis = Axis { label: "CPU µs per message", column: "cpu_us_per_message", text: decimal };
const FAN: [Axis; 3] = [
    Axis { label: "messages/s, all together", ..RATE },
    Axis { label: "CPU µs per message, all ends", ..CPU },
    Axis { label: "peak MiB of the largest end", column: "peak_mib", text: decimal },
];
const FAN_STEPS: [usize; 3] = [1, 4, 32];

impl Scale {
    const fn shape(self) -> Shape {
        match self {
            Self::Sizes => Shape {
                name: "sizes",
                title: "PUSH → PULL over TCP, by size of message",
                x: Axis { label: "bytes", column: "bytes", text: binary },
                y: &[RATE, Axis { label: "CPU µs per message, both ends", ..CPU }],
                steps: &[16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20],
            },
            Self::Subscribers => Shape {
                name: "subscribers",
                title: "Queue broker, 64 B, by number of subscribers to everything",
                x: Axis { label: "subscribers", column: "subscribers", text: decimal },
                y: &[
                    Axis { label: "messages/s, all together", ..RATE },
                    Axis { label: "broker CPU µs per message delivered", ..CPU },
                ],
                steps: &[1, 3, 10, 30, 100, 300, 1000],
            },
            Self::Subscriptions => Shape {
                name: "subscriptions",
                title: "Queue broker, 64 B to one of many topics, by number of topics",
                x: Axis { label: "topics", column: "topics", text: decimal },
                y: &[RATE, Axis { label: "broker CPU µs per message", ..CPU }],
                steps: &[1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
            },
            Self::Connections => Shape {
                name: "connections",
                title: "Queue broker, by number of idle subscribers",
                x: Axis { label: "connections", column: "connections", text: decimal },
                y: &[
                    Axis { label: "broker memory for each, KiB", column: "kib_each", text: decimal },
                    Axis { label: "handshakes/s", column: "handshakes_per_second", text: decimal },
                ],
                steps: &[1, 10, 100, 1000, 3000, 10_000],
            },
            Self::Latency => Shape {
                name: "latency",
                title: "Load balancer, 64 B, time of a request at 10 … 90 % of capacity",
                x: Axis { label: "requests/s", column: "requests_per_second", text: decimal },
                y: &[
                    Axis { label: "median time", column: "p50_us", text: time },
                    Axis { label: "99 % within", column: "p99_us", text: time },
                    Axis { label: "99.9 % within", column: "p999_us", text: time },
                ],
                steps: &[10, 30, 50, 70, 90],
            },
            Self::FanOut => {
                fan_shape("fan_out", "One PUSH to PULL peers over TCP, 1024 B, by number of peers")
            }
            Self::FanIn => fan_shape("fan_in", "PUSH peers to one PULL over TCP, 1024 B, by number of peers"),
            Self::Publish => {
                fan_shape("publish", "One PUB to SUB peers over TCP, 1024 B, by number of peers")
            }
        }
    }

    /// Measures a point at `step`: a value of the x axis, or with `Latency` a share of `capacity` in percent.
    fn measure(self, bench: Bench<'_>, step: usize, capacity: f64) -> Outcome<Point> {
        let fan = Fan { over: Over::Tcp, size: FAN_BYTES, peers: step };
        let figure = match self {
            Self::Sizes => {
                let [endpoint] = tcp()?;
                bench.stream(&endpoint, ["pull", "push"], step)?
            }
            Self::Subscribers => {
                let flow = Flow { size: SMALL_BYTES, subscribers: step, ..Flow::default() };
                bench.queue(&bench.broker(Kind::Mq)?, flow)?
            }
            Self::Subscriptions => {
                let broker = bench.broker(Kind::Mq)?;
                let cold = bench.programs.raw(&format!("topics {} {} 120", broker.back, step - 1))?;
                cold.number("up", TIMEOUT)?;
                broker.process.wait_idle(TIMEOUT)?;
                bench.queue(
                    &broker,
                    Flow { size: SMALL_BYTES, subscribers: 1, topic: "hot.", known: step, ..Flow::default() },
                )?
            }
            Self::Connections => {
                let [bytes, rate] = bench.crowd(step)?;
                return Ok((step as f64, vec![bytes / 1024.0, rate]));
            }
            Self::Latency => return latency(bench, capacity * step as f64 / 100.0),
            Self::FanOut => bench.fan_out(fan)?,
            Self::FanIn => bench.fan_in(fan)?,
            Self::Publish => bench.publish(fan)?,
        };
        let memory = figure.memory.unwrap_or_default() / f64::from(1 << 20);
        let mut values = vec![figure.value, figure.cpu.unwrap_or_default(), memory];
        values.truncate(self.shape().y.len());
        Ok((step as f64, values))
    }
}

const fn fan_shape(name: &'static str, title: &'static str) -> Shape {
    Shape {
        name,
        title,
        x: Axis { label: "peers", column: "peers", text: decimal },
        y: &FAN,
        steps: &FAN_STEPS,
    }
}

/// Measures the rate of one client through one broker to one worker, in requests a second.
fn capacity(bench: Bench<'_>) -> Outcome<f64> {
    let rates = (0..3).map(|_| Ok(bench.balance(SMALL_BYTES, 1, 1)?.value)).collect::<Outcome<_>>()?;
    Ok(median(rates).expect("three rates"))
}

/// Measures the time of requests at a rate.
fn latency(bench: Bench<'_>, rate: f64) -> Outcome<Point> {
    let broker = bench.broker(Kind::Slb)?;
    let _worker = bench.workers(&broker, 1)?;
    let role = format!("steady {} {SMALL_BYTES} {rate:.0} {}", broker.front, bench.seconds);
    let times = bench.programs.raw(&role)?.numbers(["p50", "p99", "p999"], TIMEOUT)?;
    Ok((rate, times.to_vec()))
}

/// Measures all points, and writes data and picture.
pub(crate) fn draw(programs: &Programs, scale: Scale, rounds: usize, seconds: u64, into: &Path) -> Outcome {
    let shape = scale.shape();
    let implementations = match scale {
        Scale::FanOut | Scale::FanIn | Scale::Publish => Table::Fans.implementations(),
        _ => IMPLEMENTATIONS.to_vec(),
    };
    let benches = implementations.iter().map(|it| Bench { programs, implementation: *it, seconds });
    let benches: Vec<_> = benches.collect();
    let capacities = match scale {
        Scale::Latency => benches.iter().map(|bench| capacity(*bench)).collect::<Outcome<_>>()?,
        _ => vec![0.0; benches.len()],
    };
    let mut points = vec![vec![Vec::new(); shape.steps.len()]; benches.len()];
    for _ in 0..rounds {
        for (at, step) in shape.steps.iter().enumerate() {
            for ((bench, capacity), points) in benches.iter().zip(&capacities).zip(&mut points) {
                match scale.measure(*bench, *step, *capacity) {
                    Ok(point) => points[at].push(point),
                    Err(error) => {
                        eprintln!("{} {step}: {}: {error}", shape.name, bench.implementation.name())
                    }
                }
            }
        }
    }
    let lines = points.iter().map(|steps| steps.iter().filter_map(|points| combine(points)).collect());
    let lines: Vec<(Implementation, Vec<Point>)> = implementations.into_iter().zip(lines).collect();
    let file = |extension: &str| into.join(shape.name).with_extension(extension);
    std::fs::write(file("csv"), csv(&shape, &lines)?)?;
    std::fs::write(file("svg"), svg(shape.title, &panels(&shape, &lines)))?;
    println!("{}", file("svg").display());
    Ok(())
}

fn combine(points: &[Point]) -> Option<Point> {
    let x = median(points.iter().map(|(x, _)| *x).collect())?;
    let quantities = points.first()?.1.len();
    let of = |at: usize| median(points.iter().map(|(_, values)| values[at]).collect());
    Some((x, (0..quantities).filter_map(of).collect()))
}

fn csv(shape: &Shape, lines: &[(Implementation, Vec<Point>)]) -> Result<String, std::fmt::Error> {
    let columns: Vec<_> = shape.y.iter().map(|axis| axis.column).collect();
    let mut text = format!("implementation,{},{}\n", shape.x.column, columns.join(","));
    for (implementation, points) in lines {
        for (x, values) in points {
            write!(text, "{},{x:.0}", implementation.name())?;
            values.iter().try_for_each(|value| write!(text, ",{value:.3}"))?;
            text.push('\n');
        }
    }
    Ok(text)
}

fn panels(shape: &Shape, lines: &[(Implementation, Vec<Point>)]) -> Vec<Panel> {
    let panel = |(at, y): (usize, &Axis)| {
        let series = lines.iter().map(|(implementation, points)| Series {
            name: implementation.name(),
            points: points.iter().map(|(x, values)| (*x, values[at])).collect(),
        });
        Panel { x: shape.x, y: *y, series: series.collect() }
    };
    shape.y.iter().enumerate().map(panel).collect()
}
