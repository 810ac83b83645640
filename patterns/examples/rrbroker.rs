//! A broker between clients and servers that don't know each other, by hand: ROUTER in front, DEALER behind. `hwclient`
//! can be its client, given the frontend. Its servers are REP sockets that connect to the backend. See `msgqueue` too.
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
            // A request has the client's name in front: a server leaves it there, and it leads the reply back.
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
