//! A worker of `lbbroker`, over REQ: reports that it is ready, and receives the next request as the reply.
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
    // The client's identity and an empty frame precede a request. The message that ends the worker has neither.
    while let Ok((client, request)) = broker.request(answer).await?.split_envelope() {
        println!("received {}", request.text(0));
        answer = Message::from("World").with_envelope(&client);
    }
    broker.close(Duration::from_secs(1)).await;
    Ok(())
}
