//! What the fuzz targets do, as ordinary functions.

use bytes::BytesMut;
use enfonet_zmtp::{Command, Decoder, Event, Handshake, Limits, Local, Message, SocketType};

/// Octets of a peer after the handshake. The first octet chooses how they are cut into reads. Whatever
/// comes out has to be whole, and to come out again the same when it is encoded and decoded once more.
pub fn decoder(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let mut decoder = Decoder::new(Limits {
        message: 1 << 20,
        command: 1 << 10,
    });
    for chunk in stream.chunks(usize::from(*cut).max(1)) {
        decoder.reserve(chunk.len()).extend_from_slice(chunk);
        loop {
            match decoder.poll_event() {
                Ok(Some(Event::Batch(batch))) => batch.into_iter().for_each(|m| check_message(&m)),
                Ok(Some(Event::Command(body))) => drop(Command::parse(body)),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn check_message(message: &Message) {
    let frames: Vec<_> = message.iter().collect();
    assert!(!frames.is_empty());
    let mut again = Decoder::new(Limits::default());
    message.encode(again.reserve(message.wire_len()));
    let Ok(Some(Event::Batch(batch))) = again.poll_event() else {
        panic!("what we encode is whole")
    };
    assert!(batch.into_iter().eq([message.clone()]));
}

/// Octets of a peer from the first on. The first octet chooses our socket type and how they are cut.
pub fn handshake(data: &[u8]) {
    let Some((choice, stream)) = data.split_first() else {
        return;
    };
    let kinds = SocketType::ALL;
    let local = Local::new(kinds[usize::from(*choice) % kinds.len()]);
    let (mut handshake, mut input) = (Handshake::new(local), BytesMut::new());
    for chunk in stream.chunks(usize::from(*choice / 11).max(1)) {
        input.extend_from_slice(chunk);
        match handshake.handle_input(&mut input) {
            Ok(None) => assert!(handshake.poll_output().len() <= 512),
            Ok(Some(_)) | Err(_) => return,
        }
    }
}
