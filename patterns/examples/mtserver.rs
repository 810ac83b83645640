//! A server of several tasks, each with a REP socket of its own, behind one endpoint. Its client is `hwclient`. Ends
//! with Ctrl-C.
//!
//! `mtserver [ENDPOINT] [WORKERS]`

use std::error::Error;
use std::time::Duration;

use enfonet::proxy::proxy;
use enfonet::{Context, Dealer, Rep, Router};

async fn work(name: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Rep::new();
    server.connect("inproc://workers")?;
    loop {
        let request = server.recv().await?;
        println!("worker {name} received {}", request.message().text(0));
        tokio::time::sleep(Duration::from_millis(10)).await;
        request.reply("World")?;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (clients, workers) = (Router::new(), Dealer::new());
    let endpoint = clients.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5555")).await?;
    workers.bind("inproc://workers").await?;
    for name in 1..=args.next().as_deref().unwrap_or("5").parse()? {
        tokio::spawn(work(name));
    }
    println!("ready {endpoint}");

    tokio::select! {
        () = proxy(&clients, &workers) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // Replies that the server has received from its workers are still sent.
    Context::global().shutdown(Duration::from_secs(5)).await;
    Ok(())
}
