//! A server that connects to a broker, `rrbroker` or `msgqueue`, and answers "Hello" with "World", over REP.
//!
//! `rrworker [BACKEND] [REQUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::Rep;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let server = Rep::new();
    server.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5560"))?;
    let requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;

    for _ in 0..requests {
        let request = server.recv().await?;
        println!("received {}", request.message().text(0));
        request.reply("World")?;
    }
    server.close(Duration::from_secs(5)).await;
    Ok(())
}
