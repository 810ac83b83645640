//! A server that answers "Hello" with "World", over REP. Its client is `hwclient`.
//!
//! `hwserver [ENDPOINT] [REQUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::Rep;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let server = Rep::new();
    let endpoint = server.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5555")).await?;
    let requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;
    println!("ready {endpoint}");

    for _ in 0..requests {
        let request = server.recv().await?;
        println!("received {}", request.message().text(0));
        request.reply("World")?;
    }
    // The last reply may still be on its way.
    server.close(Duration::from_secs(5)).await;
    Ok(())
}
