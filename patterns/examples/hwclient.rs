//! A client that says "Hello" and waits for the answer, a few times, over REQ. Its server is `hwserver`.
//!
//! `hwclient [ENDPOINT] [REQUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::Req;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let client = Req::new();
    client.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5555"))?;
    let requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;

    for n in 1..=requests {
        let reply = client.request("Hello").await?;
        println!("received {} {n}", reply.text(0));
    }
    client.close(Duration::from_secs(1)).await;
    Ok(())
}
