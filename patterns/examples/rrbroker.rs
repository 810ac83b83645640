//! A broker between clients and servers that don't know each other, written out: a ROUTER for clients, a DEALER for
//! servers. `hwclient` is a client if it is given the frontend, `rrworker` is a server. `msgqueue` does the same with
//! the function `proxy`.
//!
//! `rrbroker [FRONTEND] [BACKEND] [REQUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Dealer, Router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (clients, servers) = (Router::new(), Dealer::new());
    let front = clients.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5559")).await?;
    let back = servers.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5560")).await?;
    let requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;
    println!("ready {front} {back}");

    let mut answered = 0;
    while answered < requests {
        tokio::select! {
            // A request begins with the client's identity. The server returns it before the reply, so that the ROUTER
            // finds the client.
            request = clients.recv_routed() => servers.send(request?).await?,
            reply = servers.recv() => {
                clients.send_routed(reply?).await?;
                answered += 1;
            }
        }
    }
    clients.close(Duration::from_secs(5)).await;
    Ok(())
}
