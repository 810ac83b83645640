//! Requests and replies by blocking sockets.

use std::time::Instant;

use enfonet::Endpoint;
use enfonet::blocking::{Rep, Req};
use enfonet_measure::{Latencies, Outcome};

use crate::end::End;
use crate::exchange::WARM_UP_REQUESTS;

pub(crate) fn rep(endpoint: Endpoint, end: End) -> Outcome {
    let socket = Rep::new();
    match end {
        End::Bind => drop(socket.bind(endpoint)?),
        End::Connect => socket.connect(endpoint)?,
    }
    loop {
        let request = socket.recv()?;
        let reply = request.message().clone();
        request.reply(reply)?;
    }
}

pub(crate) fn req(endpoint: Endpoint, size: usize, count: usize) -> Outcome {
    let socket = Req::new();
    socket.connect(endpoint)?;
    let body = vec![b'x'; size];
    for _ in 0..WARM_UP_REQUESTS {
        socket.request(&body[..])?;
    }
    let mut latencies = Latencies::of(count);
    for _ in 0..count {
        let begun = Instant::now();
        let reply = socket.request(&body[..])?;
        latencies.add(begun.elapsed());
        assert_eq!(reply.first().len(), size);
    }
    latencies.report();
    Ok(())
}
