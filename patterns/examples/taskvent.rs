//! A ventilator: sends tasks to the workers in turn, over PUSH. A task is a time to work for. Run it with `tasksink`
//! and two or more of `taskwork`.
//!
//! `taskvent [ENDPOINT] [SINK] [TASKS] [WORKERS]`

use std::error::Error;
use std::time::Duration;

use enfonet::Push;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (workers, sink) = (Push::new(), Push::new());
    let endpoint = workers.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5557")).await?;
    sink.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5558"))?;
    let tasks: u32 = args.next().as_deref().unwrap_or("100").parse()?;
    let expected: usize = args.next().as_deref().unwrap_or("2").parse()?;
    println!("ready {endpoint}");

    // Otherwise the first worker that connects would get all tasks.
    workers.wait_connected(expected).await;
    sink.send("begin").await?;
    let mut total = 0;
    for _ in 0..tasks {
        let millis = fastrand::u64(1..=100);
        workers.send(millis.to_string()).await?;
        total += millis;
    }
    println!("{total} ms of work");
    workers.close(Duration::from_secs(5)).await;
    sink.close(Duration::from_secs(5)).await;
    Ok(())
}
