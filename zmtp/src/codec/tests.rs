use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;

use super::*;
use crate::command::subscription::Subscription;
use crate::security::config::Security;
use crate::security::credentials::PlainCredentials;
use crate::security::keys::{KeyPair, SecretKey};
use crate::security::verdict::DenyReason;
use crate::socket_type::SocketType;

fn securities() -> Vec<[Security; 2]> {
    let keys = |byte| KeyPair::new(SecretKey::from_bytes([byte; 32]));
    let server = *keys(1).public();
    vec![
        [Security::Null, Security::Null],
        [Security::PlainServer, Security::PlainClient(PlainCredentials::new("user", "word").unwrap())],
        [Security::CurveServer { keys: keys(1) }, Security::CurveClient { keys: keys(2), server }],
    ]
}

async fn end(
    io: tokio::io::DuplexStream,
    kind: SocketType,
    security: Security,
    verdict: Verdict,
) -> Result<(Framed<tokio::io::DuplexStream, Codec>, PeerProperties), CodecError> {
    let config = HandshakeConfig { security, ..HandshakeConfig::new(kind) };
    connect(io, config, [7; Entropy::LEN].into(), Limits::default(), async |_| verdict.clone()).await
}

/// Fails a test that waits for ever: with time paused, the minute is over at once.
async fn within_a_minute(test: impl Future<Output = ()>) {
    tokio::time::timeout(std::time::Duration::from_secs(60), test).await.expect("it comes to its end");
}

#[tokio::test(start_paused = true)]
async fn messages_and_commands_come_through_with_every_mechanism() {
    within_a_minute(messages_and_commands()).await;
}

async fn messages_and_commands() {
    for [server, client] in securities() {
        let (one, two) = tokio::io::duplex(1000);
        let (one, two) = tokio::join!(
            end(one, SocketType::XPub, server, Verdict::allow()),
            end(two, SocketType::Sub, client, Verdict::allow())
        );
        let ((mut publisher, _), (mut subscriber, peer)) = (one.unwrap(), two.unwrap());
        assert_eq!(peer.socket_type, Some(SocketType::XPub));
        let subscription = Command::Subscription(Subscription::Subscribe("a".into()));
        let messages: Vec<_> = (0..100).map(|n| Message::from_frames(["a".into(), n.to_string()])).collect();
        let publish = async {
            let heard = publisher.next().await.unwrap().unwrap();
            assert_eq!(heard, Traffic::Command(subscription.clone()));
            for message in &messages {
                publisher.send(message.clone()).await.unwrap();
            }
            publisher
        };
        let receive = async {
            subscriber.send(subscription.clone()).await.unwrap();
            for message in &messages {
                let heard = subscriber.next().await.unwrap().unwrap();
                assert_eq!(heard, Traffic::Message(message.clone()));
            }
        };
        let (publisher, ()) = tokio::join!(publish, receive);
        drop(publisher);
        assert!(subscriber.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_clients_get_the_reason() {
    within_a_minute(not_let_in()).await;
}

async fn not_let_in() {
    let [server, client] = securities().remove(1);
    let (one, two) = tokio::io::duplex(1000);
    let deny_reason = DenyReason::Credentials;
    let (one, two) = tokio::join!(
        end(one, SocketType::Rep, server, Verdict::Deny(deny_reason)),
        end(two, SocketType::Req, client, Verdict::allow())
    );
    assert!(matches!(one.unwrap_err(), CodecError::Handshake(HandshakeError::Denied(d)) if d == deny_reason));
    let rejected = two.unwrap_err();
    assert!(
        matches!(rejected, CodecError::Handshake(HandshakeError::RejectedByPeer { deny_reason: Some(d), .. }) if d == deny_reason)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_within_a_message_is_an_error() {
    within_a_minute(ends_within_a_message()).await;
}

async fn ends_within_a_message() {
    for cut in [&b"\x00\x05hel"[..], b"\x01\x01a", b"\x00"] {
        let (one, mut two) = tokio::io::duplex(1000);
        let peer = async {
            let mut bytes =
                crate::greeting::Greeting::new(crate::greeting::Mechanism::Null, false).to_wire().to_vec();
            bytes.extend_from_slice(b"\x04\x06\x05READY");
            bytes.extend_from_slice(cut);
            two.write_all(&bytes).await.unwrap();
            let mut ours = [0; 64];
            two.read_exact(&mut ours).await.unwrap();
            two.shutdown().await.unwrap();
        };
        let (ours, ()) = tokio::join!(end(one, SocketType::Dealer, Security::Null, Verdict::allow()), peer);
        let (mut ours, _) = ours.unwrap();
        let last = ours.next().await;
        assert!(matches!(last, Some(Err(CodecError::Io(_)))), "{last:?}: a message was cut off");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_buffers_what_is_written_is_flushed() {
    within_a_minute(async {
        let (one, two) = tokio::io::duplex(1000);
        let end = |io, kind| {
            let io = tokio::io::BufWriter::new(io);
            connect(io, HandshakeConfig::new(kind), Entropy::none(), Limits::default(), async |_| {
                Verdict::allow()
            })
        };
        let (one, two) = tokio::join!(end(one, SocketType::Rep), end(two, SocketType::Req));
        assert!(one.is_ok() && two.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn both_ends_may_write_before_they_read() {
    within_a_minute(async {
        let (one, two) = tokio::io::duplex(20);
        let (one, two) = tokio::join!(
            end(one, SocketType::Rep, Security::Null, Verdict::allow()),
            end(two, SocketType::Req, Security::Null, Verdict::allow())
        );
        assert!(one.is_ok() && two.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_ends_in_the_handshake_is_an_error() {
    let (one, two) = tokio::io::duplex(200);
    drop(two);
    let error = end(one, SocketType::Rep, Security::Null, Verdict::allow()).await.unwrap_err();
    assert!(matches!(error, CodecError::Io(_)));
}
