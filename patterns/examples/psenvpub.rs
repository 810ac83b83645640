//! A publisher of messages of two frames, over PUB: the key, by which subscribers choose, and the content. Its
//! subscriber is `psenvsub`.
//!
//! `psenvpub [ENDPOINT] [ROUNDS]`

use std::error::Error;
use std::time::Duration;

use enfonet::Pub;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let publisher = Pub::new();
    let endpoint = publisher.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5563")).await?;
    let rounds: u32 = args.next().as_deref().unwrap_or("10").parse()?;
    println!("ready {endpoint}");

    publisher.wait_subscribers(1).await;
    for _ in 0..rounds {
        publisher.send(["A", "nobody asked for this"]).await?;
        publisher.send(["B", "somebody asked for this"]).await?;
    }
    publisher.close(Duration::from_secs(5)).await;
    Ok(())
}
