//! Identities by which a ROUTER calls its peers: chosen by the peer, or made up by the ROUTER.
//!
//! `identity [ENDPOINT] [PEERS]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Context, Req, Router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let router = Router::new();
    let endpoint = router.bind(args.next().as_deref().unwrap_or("inproc://example")).await?;
    let peers: u32 = args.next().as_deref().unwrap_or("2").parse()?;
    println!("ready {endpoint}");

    let (anonymous, named) = (Req::new(), Req::builder().identity("Ada").build());
    anonymous.connect(&endpoint)?;
    anonymous.send("call me what you like").await?;
    named.connect(&endpoint)?;
    named.send("call me Ada").await?;

    for _ in 0..peers {
        let (peer, message) = router.recv_from().await?;
        // A REQ puts an empty frame before what it says.
        let said = message.get(1).ok_or("no request")?;
        println!("{} says: {}", peer.routing_id.escape_ascii(), said.escape_ascii());
    }
    Context::global().shutdown(Duration::from_secs(1)).await;
    Ok(())
}
