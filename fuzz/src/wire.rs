//! Fuzz targets for bytes without a connection: greetings, commands, and frames.

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{Command, Decoder, Event, FrameHeader, Greeting, Limits, Mechanism, Message, Version};

/// Checks the parser of greetings. It accepts a greeting whatever bytes follow, and parses the same greeting from its
/// wire form.
pub fn greeting(data: &[u8]) {
    for mechanism in [Mechanism::Null, Mechanism::Plain, Mechanism::Curve] {
        let whole = Greeting::parse(data, mechanism);
        // A prefix never parses to another result than the whole.
        for end in 0..data.len().min(Greeting::LEN) {
            match Greeting::parse(&data[..end], mechanism) {
                Ok(None) => {}
                Ok(Some(_)) => panic!("{end} bytes are no greeting"),
                early => assert_eq!(early, whole),
            }
        }
        if let Ok(Some(greeting)) = whole {
            assert!(greeting.version >= Version::V3_0);
            let again = Greeting::parse(&greeting.to_wire(), mechanism);
            let as_server = greeting.as_server && mechanism != Mechanism::Null;
            assert_eq!(again, Ok(Some(Greeting { as_server, ..greeting })));
        }
    }
}

/// Checks the parser of commands. A known command is parsed to the same command from its wire form.
pub fn commands(data: &[u8]) {
    let mut out = BytesMut::new();
    let command = match Command::parse(Bytes::copy_from_slice(data)) {
        Ok(command) => command,
        Err(_) => return,
    };
    match &command {
        Command::Subscription(subscription) => subscription.encode(Version::V3_1, &mut out),
        Command::Ping(ping) => ping.encode(&mut out),
        Command::Pong(context) => Command::encode_pong(context, &mut out),
        _ => return,
    }
    let header = FrameHeader::parse(&out).expect("we write no overlong frames").expect("nor cut ones");
    assert!(header.is_command() && header.frame_len() == out.len());
    let body = out.freeze().split_off(header.header_len());
    assert_eq!(Command::parse(body), Ok(command));
}

/// Checks the decoder with any bytes of a peer after the handshake. The first byte chooses how the others are cut into
/// reads. Decoded messages and commands have to be whole and within the limits, and to be decoded the same from their
/// wire form. The decoder must not hold more bytes than have arrived.
pub fn frames(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let limits = Limits { message: 1 << 16, frame: 1 << 15, frames: 50 };
    let mut decoder = Decoder::new(limits);
    for chunk in stream.chunks(usize::from(*cut).max(1)) {
        decoder.reserve(chunk.len()).extend_from_slice(chunk);
        loop {
            match decoder.poll_event() {
                Ok(Some(Event::Batch(batch))) => batch.into_iter().for_each(|m| check(&m, limits)),
                Ok(Some(Event::Command(body))) => commands(&body),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        let held = decoder.reserve(1);
        assert!(held.capacity() <= 4 * stream.len() + 1024, "{} for {}", held.capacity(), stream.len());
    }
}

fn check(message: &Message, limits: Limits) {
    let frames: Vec<_> = message.iter().collect();
    assert!((1..=limits.frames).contains(&frames.len()) && message.wire_len() <= limits.message);
    assert!(frames.iter().all(|frame| frame.len() <= limits.frame));
    let mut again = Decoder::new(Limits::default());
    message.encode(again.reserve(message.wire_len()));
    let Ok(Some(Event::Batch(batch))) = again.poll_event() else { panic!("what we encode is whole") };
    assert!(batch.into_iter().eq([message.clone()]));
}
