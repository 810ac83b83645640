//! A client that sends requests and receives replies at the same time, over DEALER. Its server is `asyncsrv`.
//!
//! `asyncclient [ENDPOINT] [REQUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Context, Dealer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let client = Dealer::new();
    client.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5570"))?;
    let requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;

    let ask = async {
        for n in 1..=requests {
            client.send(format!("request {n}")).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    let listen = async {
        let mut done = 0;
        while done < requests {
            let reply = client.recv().await?;
            let state = reply.get(1).ok_or("a reply of one frame")?;
            println!("{} is {}", reply.text(0), state.escape_ascii());
            done += u32::from(state == b"done");
        }
        Ok(())
    };
    tokio::try_join!(ask, listen)?;
    Context::global().shutdown(Duration::from_secs(1)).await;
    Ok(())
}
