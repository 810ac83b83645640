//! A publisher, over PUB, that begins when all subscribers are connected: a subscriber that has received a greeting
//! reports it, over REQ. Its subscribers are `syncsub`.
//!
//! `syncpub [ENDPOINT] [SYNC] [SUBSCRIBERS] [UPDATES]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Pub, Rep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    // Without a high-water mark, no message to a slow subscriber is dropped.
    let (publisher, sync) = (Pub::builder().send_hwm(0).build(), Rep::new());
    let endpoint = publisher.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5561")).await?;
    let at = sync.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5562")).await?;
    let mut missing: u32 = args.next().as_deref().unwrap_or("2").parse()?;
    let updates: u32 = args.next().as_deref().unwrap_or("100000").parse()?;
    println!("ready {endpoint} {at}");

    let mut greeting = tokio::time::interval(Duration::from_millis(50));
    while missing > 0 {
        tokio::select! {
            _ = greeting.tick() => publisher.send("hello").await?,
            subscriber = sync.recv() => {
                subscriber?.reply("welcome")?;
                missing -= 1;
            }
        }
    }
    println!("all are there");
    for n in 1..=updates {
        publisher.send(format!("update {n}")).await?;
    }
    publisher.send("end").await?;
    publisher.close(Duration::from_secs(5)).await;
    sync.close(Duration::from_secs(5)).await;
    Ok(())
}
