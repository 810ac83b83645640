//! A subscriber that misses no message: when it receives the greeting of `syncpub`, over SUB, it reports that, over
//! REQ. The updates follow.
//!
//! `syncsub [PUBLISHER] [SYNC]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Context, Req, Sub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (subscriber, sync) = (Sub::new(), Req::new());
    subscriber.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5561"))?;
    subscriber.subscribe("");
    sync.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5562"))?;

    subscriber.recv().await?;
    sync.request("here").await?;
    let mut updates = 0;
    loop {
        match subscriber.recv().await?.first() {
            b"hello" => {} // Others are still missing.
            b"end" => break,
            _ => updates += 1,
        }
    }
    println!("received {updates} updates");
    Context::global().shutdown(Duration::from_secs(1)).await;
    Ok(())
}
