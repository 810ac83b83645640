//! A distributor of work to idle workers, over ROUTER. The workers ask for work, over REQ, so that slow workers get
//! less. They are tasks of this program; guests, from other programs, may join them.
//!
//! `rtreq [ENDPOINT] [TASKS] [WORKERS] [GUESTS]`

use std::error::Error;
use std::time::Duration;

use enfonet::{Endpoint, Req, Router};
use tokio::task::JoinSet;

async fn work(boss: Endpoint) -> Result<(), Box<dyn Error + Send + Sync>> {
    let worker = Req::new();
    worker.connect(boss)?;
    let mut completed = 0;
    while worker.request("ready").await?.first() == b"work" {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1..50))).await;
        completed += 1;
    }
    println!("completed {completed} tasks");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut args = std::env::args().skip(1);
    let boss = Router::new();
    let endpoint = boss.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5671")).await?;
    let mut tasks: u32 = args.next().as_deref().unwrap_or("100").parse()?;
    let mut hired: u32 = args.next().as_deref().unwrap_or("10").parse()?;
    let guests: u32 = args.next().as_deref().unwrap_or("0").parse()?;
    println!("ready {endpoint}");

    let mut staff: JoinSet<_> = (guests..hired).map(|_| work(endpoint.clone())).collect();
    while hired > 0 {
        let (worker, _ready) = boss.recv().await?;
        // A REQ expects an empty frame before the reply.
        let order = if tasks > 0 { "work" } else { "go home" };
        boss.send_to(worker, ["", order]).await?;
        if tasks > 0 { tasks -= 1 } else { hired -= 1 }
    }
    boss.close(Duration::from_secs(5)).await;
    while let Some(outcome) = staff.join_next().await {
        outcome??;
    }
    Ok(())
}
