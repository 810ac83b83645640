//! Drives the handshake over a stream.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use enfonet_zmtp::{Handshake, Local, Peer};

use crate::error::ConnectionError;
use crate::transport::Stream;

/// Room for a greeting, a READY and a little traffic behind it.
const ROOM: usize = 512;

/// Shakes hands within the time limit. Gives the peer, and what arrived behind its part of the handshake.
pub(super) async fn handshake(
    stream: &Stream,
    local: Local,
    limit: Duration,
) -> Result<(Peer, BytesMut), ConnectionError> {
    let shaken = tokio::time::timeout(limit, shake(stream, local)).await;
    shaken.map_err(|_| ConnectionError::HandshakeTimeout)?
}

async fn shake(stream: &Stream, local: Local) -> Result<(Peer, BytesMut), ConnectionError> {
    let mut handshake = Handshake::new(local);
    let mut input = BytesMut::with_capacity(ROOM);
    loop {
        stream.write_all(&handshake.poll_output()).await?;
        receive(stream, &mut input).await?;
        match handshake.handle_input(&mut input) {
            Ok(None) => {}
            Ok(Some(peer)) => {
                stream.write_all(&handshake.poll_output()).await?;
                return Ok((peer, input));
            }
            Err(error) => {
                // The peer may be told why; if that fails, it makes no difference.
                let _ = stream.write_all(&handshake.poll_output()).await;
                return Err(error.into());
            }
        }
    }
}

async fn receive(stream: &Stream, input: &mut BytesMut) -> Result<(), ConnectionError> {
    input.reserve(ROOM / 2);
    loop {
        stream.readable().await?;
        match stream.try_read(input) {
            Ok(0) => return Err(ConnectionError::Eof),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}
