//! A worker of `lbbroker`: says that it is ready, over REQ, and gets a request each time that it is.
//!
//! `lbworker [BACKEND]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Message, Req};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let broker = Req::new();
    broker.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5673"))?;

    let mut answer = Message::from("ready");
    // A request is behind its client's name, and an empty frame. At the end there is neither.
    while let Ok((client, request)) = broker.request(answer).await?.split_envelope() {
        println!("received {}", request.text(0));
        answer = Message::from("World").with_envelope(&client);
    }
    broker.close(Duration::from_secs(1)).await;
    Ok(())
}
