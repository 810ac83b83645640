//! A worker: pulls tasks from `taskvent`, works on each, and pushes the results to `tasksink`, until the sink tells it
//! to stop.
//!
//! `taskwork [VENTILATOR] [SINK] [CONTROL]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Pull, Push, Sub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (tasks, results, control) = (Pull::new(), Push::new(), Sub::new());
    tasks.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5557"))?;
    results.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5558"))?;
    control.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5559"))?;
    control.subscribe("");

    loop {
        let task = tokio::select! {
            task = tasks.recv() => task?,
            _ = control.recv() => break,
        };
        let millis = task.text(0).parse()?;
        tokio::time::sleep(Duration::from_millis(millis)).await;
        println!("worked for {millis} ms");
        results.send("").await?;
    }
    results.close(Duration::from_secs(5)).await;
    Ok(())
}
