//! Receives from two sockets, from whichever has a message: tasks from `taskvent`, over PULL, and weather from
//! `wuserver`, over SUB.
//!
//! `mspoller [VENTILATOR] [WEATHER] [MESSAGES]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Context, Pull, Sub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (tasks, weather) = (Pull::new(), Sub::new());
    tasks.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5557"))?;
    weather.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5556"))?;
    weather.subscribe("10001 ");
    let messages: u32 = args.next().as_deref().unwrap_or("100").parse()?;

    for _ in 0..messages {
        // The receive that isn't ready is dropped, and loses no message.
        tokio::select! {
            task = tasks.recv() => println!("task {}", task?.text(0)),
            update = weather.recv() => println!("weather {}", update?.text(0)),
        }
    }
    Context::global().shutdown(Duration::from_secs(1)).await;
    Ok(())
}
