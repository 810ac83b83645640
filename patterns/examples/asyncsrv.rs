//! A server that works on all requests at the same time, over ROUTER. It replies twice to each request: when it begins
//! and when it is done. Its clients are `asyncclient`.
//!
//! `asyncsrv [ENDPOINT] [REQUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::error::SendError;
use enfonet::peer::PeerId;
use enfonet::{Message, Router};
use tokio::task::JoinSet;

async fn serve(server: Router, client: PeerId, request: Message) -> Result<(), SendError> {
    server.send_to(client, [request.first(), b"begun"]).await?;
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..100))).await;
    server.send_to(client, [request.first(), b"done"]).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let server = Router::new();
    let endpoint = server.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5570")).await?;
    let requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;
    println!("ready {endpoint}");

    let mut work = JoinSet::new();
    for _ in 0..requests {
        let (client, request) = server.recv().await?;
        work.spawn(serve(server.clone(), client, request));
    }
    // A client may disconnect before its reply: that isn't an error of the server.
    for gone in work.join_all().await.into_iter().filter_map(Result::err) {
        println!("not sent: {gone}");
    }
    server.close(Duration::from_secs(5)).await;
    Ok(())
}
