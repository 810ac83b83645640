//! A subscriber to one of the keys that `psenvpub` puts before its messages, over SUB.
//!
//! `psenvsub [ENDPOINT] [MESSAGES]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Context, Sub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let subscriber = Sub::new();
    subscriber.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5563"))?;
    subscriber.subscribe("B");
    let messages: u32 = args.next().as_deref().unwrap_or("10").parse()?;

    for _ in 0..messages {
        let message = subscriber.recv().await?;
        let content = message.get(1).ok_or("a key without content")?;
        println!("[{}] {}", message.text(0), content.escape_ascii());
    }
    Context::global().shutdown(Duration::from_secs(1)).await;
    Ok(())
}
