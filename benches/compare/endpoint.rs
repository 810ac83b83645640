//! Endpoints on this machine.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use enfonet_measure::Outcome;

/// Maximum time until a program listens.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns free tcp endpoints, all different.
pub(crate) fn tcp<const N: usize>() -> Outcome<[String; N]> {
    let listeners: Vec<_> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let endpoints: Vec<_> = listeners
        .iter()
        .map(|listener| Ok(format!("tcp://{}", listener.local_addr()?)))
        .collect::<Outcome<_>>()?;
    Ok(endpoints.try_into().expect("as many as were bound"))
}

/// Returns a free ipc endpoint.
pub(crate) fn ipc() -> String {
    let path = format!("enfonet-compare-{}-{}", std::process::id(), fastrand::u32(..));
    format!("ipc://{}", std::env::temp_dir().join(path).display())
}

/// Waits until a program listens at the endpoint. It doesn't connect, which the program might count as a peer.
pub(crate) fn wait_listening(endpoint: &str) -> Outcome {
    let deadline = Instant::now() + TIMEOUT;
    while !is_taken(endpoint)? {
        if Instant::now() > deadline {
            return Err(format!("nobody listens at {endpoint}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn is_taken(endpoint: &str) -> Outcome<bool> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return Ok(std::path::Path::new(path).exists());
    }
    let (_, port) = endpoint.rsplit_once(':').ok_or("no port")?;
    let local = format!(":{:04X}", port.parse::<u16>()?);
    let mut sockets = std::fs::read_to_string("/proc/net/tcp")?;
    sockets.push_str(&std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default());
    // The second field is the local address, the fourth the state: 0A listens.
    Ok(sockets.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|address| address.ends_with(&local)) && fields.nth(1) == Some("0A")
    }))
}
