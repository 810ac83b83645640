//! A weather service: publishes made-up weather for a hundred places, over PUB, from the first subscriber on. Its
//! subscriber is `wuclient`.
//!
//! `wuserver [ENDPOINT] [UPDATES]`

use std::error::Error;
use std::time::Duration;

use enfonet::Pub;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let publisher = Pub::new();
    let endpoint = publisher.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5556")).await?;
    let updates: u32 = args.next().as_deref().unwrap_or("100000").parse()?;
    println!("ready {endpoint}");

    publisher.wait_subscribers(1).await;
    for _ in 0..updates {
        let (zip_code, celsius) = (fastrand::u32(10_000..10_100), fastrand::i32(-20..=40));
        let humidity = fastrand::u32(10..=90);
        publisher.send(format!("{zip_code} {celsius} {humidity}")).await?;
    }
    publisher.close(Duration::from_secs(5)).await;
    Ok(())
}
