//! Limits on peers: a peer that exceeds one is disconnected, and no other.

use std::net::SocketAddr;
use std::time::Duration;

use enfonet::{Dealer, Message, Options};
use enfonet_tests::{Runtime, Script, VERSIONED, greeting, message, properties, ready};
use socket2::{Domain, Socket, Type};

/// Asserts that a healthy peer still sends and receives.
fn assert_healthy(runtime: &Runtime, dealer: &Dealer, healthy: &mut Script) {
    healthy.send(&message(&["healthy"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("healthy".into()));
    healthy.settle();
}

/// Connects a scripted peer from this source address.
fn connect_from(source: [u8; 4], at: &str) -> Script {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    let at: SocketAddr = at.strip_prefix("tcp://").unwrap().parse().unwrap();
    socket.connect(&at.into()).unwrap();
    Script::over(socket.into())
}

#[test]
fn incomplete_handshakes_displace_only_handshakes_of_their_own_address() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_handshakes(10));
    let at = runtime.bind(&dealer);
    let mut modest = connect_from([127, 0, 0, 2], &at);
    modest.expect(&greeting(1)[..VERSIONED]);
    let mut half: Vec<_> = (0..100)
        .map(|_| {
            let mut half = Script::connect(&at);
            half.send(&greeting(1)[..9]);
            half.expect(&greeting(1)[..VERSIONED]);
            half
        })
        .collect();
    // The newest connections remain; they displaced the older ones.
    let last = half.split_off(91);
    half.iter_mut().for_each(|gone| assert_eq!(gone.expect_close(), b""));
    // A new peer is served at once, from that address and from another.
    let mut new_peer = Script::join(&at, "DEALER", 1);
    assert_healthy(&runtime, &dealer, &mut new_peer);
    let mut other = connect_from([127, 0, 0, 3], &at);
    other.handshake("DEALER", 1);
    assert_healthy(&runtime, &dealer, &mut other);
    // The slow peer of another address, which connected first, is served, too.
    modest.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER")])].concat());
    modest.expect(&greeting(1)[VERSIONED..]);
    modest.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
    assert_healthy(&runtime, &dealer, &mut modest);
    drop(last);
}

#[test]
fn a_handshake_limit_of_zero_admits_no_peer() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_handshakes(0));
    let at = runtime.bind(&dealer);
    assert_eq!(Script::connect(&at).expect_close(), b"");
}

#[test]
fn a_timed_out_handshake_frees_its_slot() {
    let runtime = Runtime::new();
    let options = Options::default().max_handshakes(1).handshake_timeout(Duration::from_millis(50));
    let dealer = Dealer::with_options(options);
    let at = runtime.bind(&dealer);
    let mut slow = Script::connect(&at);
    assert_eq!(slow.expect_close(), greeting(1)[..VERSIONED]);
    assert_healthy(&runtime, &dealer, &mut Script::join(&at, "DEALER", 1));
}

#[test]
fn a_frame_may_have_at_most_the_maximum_size() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_frame_size(1000));
    let at = runtime.bind(&dealer);
    let mut healthy = Script::join(&at, "DEALER", 1);
    let fits = message(&[vec![b'x'; 1000], vec![b'y'; 1000]]);
    let mut greedy = Script::join(&at, "DEALER", 1);
    greedy.send(&fits);
    let received = runtime.run(dealer.recv()).unwrap();
    assert!(received == Message::from_frames([vec![b'x'; 1000], vec![b'y'; 1000]]));
    // The announced length is enough, of a message and of a command.
    for header in [b"\x02\0\0\0\0\0\0\x03\xe9", b"\x03\0\0\0\0\0\0\x03\xe9", b"\x06\0\0\0\0\0\0\x03\xe9"] {
        greedy.send(header);
        assert_eq!(greedy.expect_close(), b"");
        assert_healthy(&runtime, &dealer, &mut healthy);
        greedy = Script::join(&at, "DEALER", 1);
    }
}

#[test]
fn a_message_may_have_at_most_the_maximum_number_of_frames() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_frames(3));
    let at = runtime.bind(&dealer);
    let mut healthy = Script::join(&at, "DEALER", 1);
    let mut greedy = Script::join(&at, "DEALER", 1);
    greedy.send(&message(&["a", "", "c"]));
    assert_eq!(runtime.run(dealer.recv()), Ok(["a", "", "c"].into()));
    greedy.send(&message(&["a", "", "c", "d"]));
    assert_eq!(greedy.expect_close(), b"");
    assert_healthy(&runtime, &dealer, &mut healthy);
}

#[test]
fn frames_and_messages_have_limits_by_default() {
    const LIMIT: u64 = 256 << 20;
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut healthy = Script::join(&at, "DEALER", 1);
    let header = |flags: u8, len: u64| [&[flags][..], &len.to_be_bytes()].concat();
    let passing = [
        // A command; a message, with its headers; two frames that are too large together; too many frames.
        header(6, LIMIT + 1),
        header(2, LIMIT - 8),
        [&b"\x01\x01x"[..], &header(2, LIMIT - 9 - 2)].concat(),
        b"\x01\0".repeat(1_000_001),
    ];
    for passing in passing {
        let mut greedy = Script::join(&at, "DEALER", 1);
        greedy.try_send(&passing);
        assert_eq!(greedy.expect_close(), b"");
        assert_healthy(&runtime, &dealer, &mut healthy);
    }
    let mut large = Script::join(&at, "DEALER", 1);
    large.send(&[&b"\x01\0".repeat(999_999)[..], b"\0\0"].concat());
    assert_eq!(runtime.run(dealer.recv()).unwrap().len(), 1_000_000);
}

#[test]
fn metadata_beyond_the_limit_is_rejected() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_metadata(2000));
    let at = runtime.bind(&dealer);
    let mut healthy = Script::join(&at, "DEALER", 1);
    let announce = |len: usize| {
        let body = [&b"\x05READY"[..], &properties(&[("X-Filler", &vec![0; len - 13])])].concat();
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&greeting(1)[..], &[6, 0, 0, 0, 0, 0, 0], &len, &body].concat()
    };
    let mut fits = Script::connect(&at);
    fits.send(&announce(2000));
    fits.expect(&greeting(1));
    fits.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
    fits.settle();
    let mut greedy = Script::connect(&at);
    // The announced length is enough.
    greedy.send(&announce(4000)[..64 + 9]);
    assert_eq!(greedy.expect_close(), greeting(1));
    assert_healthy(&runtime, &dealer, &mut healthy);
}
