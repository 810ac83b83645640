//! A broker that gives each request to the worker that has waited longest: ROUTER on both sides. Its workers are
//! `lbworker`, its clients `hwclient`, given the frontend.
//!
//! `lbbroker [FRONTEND] [BACKEND] [REQUESTS]`

use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

use enfonet::Router;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (clients, workers) = (Router::new(), Router::new());
    let front = clients.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5672")).await?;
    let back = workers.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5673")).await?;
    let mut requests: u32 = args.next().as_deref().unwrap_or("10").parse()?;
    println!("ready {front} {back}");

    let mut idle = VecDeque::new();
    while requests > 0 {
        tokio::select! {
            message = workers.recv() => {
                let (worker, message) = message?;
                idle.push_back(worker);
                // Behind the empty frame of a REQ: "ready", or a client's identity and the reply to the client.
                if let (_, Some(reply)) = message.split_first() && reply.len() > 1 {
                    clients.send_routed(reply).await?;
                    requests -= 1;
                }
            }
            // Requests are received only while a worker is idle.
            request = clients.recv_routed(), if !idle.is_empty() => if let Some(worker) = idle.pop_front() {
                workers.send_to(worker, request?.with_first("")).await?;
            }
        }
    }
    for worker in idle {
        workers.send_to(worker, ["", "end"]).await?;
    }
    workers.close(Duration::from_secs(5)).await;
    clients.close(Duration::from_secs(5)).await;
    Ok(())
}
