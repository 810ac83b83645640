//! A broker between clients and servers that don't know each other. It does the same as `rrbroker`, by the function
//! `proxy`. Ends with Ctrl-C.
//!
//! `msgqueue [FRONTEND] [BACKEND]`

use std::error::Error;
use std::time::Duration;

use enfonet::proxy::proxy;
use enfonet::{Context, Dealer, Router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (clients, servers) = (Router::new(), Dealer::new());
    let front = clients.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5559")).await?;
    let back = servers.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5560")).await?;
    println!("ready {front} {back}");

    tokio::select! {
        () = proxy(&clients, &servers) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // Messages that the broker has received are still sent.
    Context::global().shutdown(Duration::from_secs(5)).await;
    Ok(())
}
