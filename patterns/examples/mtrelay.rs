//! Tasks that wait for each other, over PAIR: the first signals the second that it is ready, and the second signals the
//! third.
//!
//! `mtrelay`

use std::error::Error;
use std::time::Duration;

use enfonet::Pair;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

async fn first() -> Outcome {
    println!("step 1 is ready");
    signal("inproc://step2").await
}

async fn second() -> Outcome {
    let step = Pair::new();
    step.bind("inproc://step2").await?;
    tokio::spawn(first());
    step.recv().await?;
    println!("step 2 is ready");
    signal("inproc://step3").await
}

/// Signals the task at the endpoint that it is its turn.
async fn signal(next: &str) -> Outcome {
    let step = Pair::new();
    step.connect(next)?;
    step.send("ready").await?;
    step.close(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let step = Pair::new();
    step.bind("inproc://step3").await?;
    tokio::spawn(second());
    step.recv().await?;
    println!("step 3 is ready");
    Ok(())
}
