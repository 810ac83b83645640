//! A client of the weather service, over SUB: receives the updates for one zip code, and prints the average temperature
//! there. The service is `wuserver`, or `wuproxy` in front of it.
//!
//! `wuclient [ENDPOINT] [ZIP CODE] [UPDATES]`

use std::error::Error;
use std::time::Duration;

use enfonet::Sub;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let subscriber = Sub::new();
    subscriber.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5556"))?;
    let zip_code = args.next().unwrap_or_else(|| "10001".into());
    let updates: u32 = args.next().as_deref().unwrap_or("100").parse()?;

    // The publisher sends only these updates over the network.
    subscriber.subscribe(format!("{zip_code} "));
    let mut total = 0.0;
    for _ in 0..updates {
        let update = subscriber.recv().await?;
        let text = update.text(0);
        let mut fields = text.split(' ');
        let celsius: f64 = fields.nth(1).ok_or("an update without a temperature")?.parse()?;
        total += celsius;
    }
    println!("{zip_code} has {:.1} °C on average", total / f64::from(updates));
    subscriber.close(Duration::from_secs(1)).await;
    Ok(())
}
