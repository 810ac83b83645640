//! A sink: collects the results of all workers, over PULL, prints the time that they took together, and tells the
//! workers to stop, over PUB. See `taskvent` and `taskwork`.
//!
//! `tasksink [ENDPOINT] [CONTROL] [TASKS] [WORKERS]`

use std::error::Error;
use std::time::{Duration, Instant};

use enfonet::{Pub, Pull};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (results, control) = (Pull::new(), Pub::new());
    let endpoint = results.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5558")).await?;
    let controller = control.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5559")).await?;
    let tasks: u32 = args.next().as_deref().unwrap_or("100").parse()?;
    let workers: usize = args.next().as_deref().unwrap_or("2").parse()?;
    println!("ready {endpoint} {controller}");

    // The ventilator sends a message when it begins.
    results.recv().await?;
    let begin = Instant::now();
    for _ in 0..tasks {
        results.recv().await?;
    }
    println!("{tasks} tasks in {} ms", begin.elapsed().as_millis());

    // A worker that got no task may not have connected yet.
    control.wait_subscribers(workers).await;
    control.send("stop").await?;
    control.close(Duration::from_secs(5)).await;
    Ok(())
}
