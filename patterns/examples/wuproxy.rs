//! A proxy that brings the weather of `wuserver` into another network: an XSUB toward the service, an XPUB for the
//! subscribers in the other network, such as `wuclient`. Ends with Ctrl-C.
//!
//! `wuproxy [SERVICE] [ENDPOINT]`

use std::error::Error;
use std::time::Duration;

use enfonet::proxy::proxy;
use enfonet::{Context, XPub, XSub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (service, subscribers) = (XSub::new(), XPub::new());
    service.connect(args.next().as_deref().unwrap_or("tcp://127.0.0.1:5556"))?;
    let endpoint = subscribers.bind(args.next().as_deref().unwrap_or("tcp://127.0.0.1:8100")).await?;
    println!("ready {endpoint}");

    // Updates go one way, subscriptions the other, so the service sends only updates that a subscriber of this proxy
    // wants.
    tokio::select! {
        () = proxy(&service, &subscribers) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // Messages that the proxy has received are still sent.
    Context::global().shutdown(Duration::from_secs(5)).await;
    Ok(())
}
