//! Subscriptions: commands in ZMTP 3.1, messages in 3.0 and from libzmq's XSUB (RFC 37; RFC 29).

use bytes::{BufMut, Bytes, BytesMut};

use crate::command::name::CommandName;
use crate::command::wire::encode_command;
use crate::frame::header::FrameHeader;
use crate::greeting::Version;
use crate::message::message::Message;

/// A request to a publisher for the messages that begin with a topic, or its cancellation. A message begins with a
/// topic if its first frame does. The empty topic stands for all messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// The topic is wanted from now on.
    Subscribe(Bytes),
    /// The topic is no longer wanted. One cancel ends all equal subscriptions of a connection.
    Cancel(Bytes),
}

impl Subscription {
    /// Returns the topic.
    #[must_use]
    pub fn topic(&self) -> &Bytes {
        match self {
            Self::Subscribe(topic) | Self::Cancel(topic) => topic,
        }
    }

    /// Appends the subscription in the form that a peer of this version understands: a command, or a message before
    /// ZMTP 3.1.
    pub fn encode(&self, version: Version, out: &mut BytesMut) {
        match self {
            _ if version < Version::V3_1 => self.encode_message(out),
            Self::Subscribe(topic) => encode_command(CommandName::Subscribe.as_bytes(), &[topic], out),
            Self::Cancel(topic) => encode_command(CommandName::Cancel.as_bytes(), &[topic], out),
        }
    }

    fn encode_message(&self, out: &mut BytesMut) {
        let header = FrameHeader::message(1 + self.topic().len(), false);
        out.reserve(header.frame_len());
        header.encode(out);
        out.put_u8(u8::from(matches!(self, Self::Subscribe(_))));
        out.put_slice(self.topic());
    }

    /// Converts to the message that an XPUB hands to its application: `01 topic` or `00 topic`.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let mut body = BytesMut::with_capacity(1 + self.topic().len());
        body.put_u8(u8::from(matches!(self, Self::Subscribe(_))));
        body.put_slice(self.topic());
        Message::from(body.freeze())
    }

    /// Reads the first frame of a message: `None` when it doesn't begin with 00 or 01.
    #[must_use]
    pub fn from_message(message: &Message) -> Option<Self> {
        match message.first() {
            [1, topic @ ..] => Some(Self::Subscribe(Bytes::copy_from_slice(topic))),
            [0, topic @ ..] => Some(Self::Cancel(Bytes::copy_from_slice(topic))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::traffic::Command;

    fn wire(subscription: &Subscription, version: Version) -> Bytes {
        let mut out = BytesMut::new();
        subscription.encode(version, &mut out);
        out.freeze()
    }

    #[test]
    fn the_form_of_a_subscription_follows_the_version_of_the_peer() {
        let subscribe = Subscription::Subscribe(Bytes::from_static(b"A"));
        let cancel = Subscription::Cancel(Bytes::from_static(b"A"));
        assert_eq!(wire(&subscribe, Version::V3_1), &b"\x04\x0b\x09SUBSCRIBEA"[..]);
        assert_eq!(wire(&cancel, Version::V3_1), &b"\x04\x08\x06CANCELA"[..]);
        assert_eq!(wire(&subscribe, Version::V3_0), &b"\x00\x02\x01A"[..]);
        assert_eq!(wire(&cancel, Version::V3_0), &b"\x00\x02\x00A"[..]);
        assert_eq!(wire(&subscribe, Version::V2_0), &b"\x00\x02\x01A"[..]);
    }

    #[test]
    fn the_name_of_a_subscription_counts_towards_the_long_form() {
        let topic = |len| Subscription::Subscribe(Bytes::from(vec![b't'; len]));
        assert_eq!(wire(&topic(245), Version::V3_1)[..2], [0x04, 0xff]);
        assert_eq!(wire(&topic(246), Version::V3_1)[..9], [0x06, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(wire(&topic(254), Version::V3_0)[..2], [0x00, 0xff]);
        assert_eq!(wire(&topic(255), Version::V3_0)[..9], [0x02, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn both_forms_of_a_subscription_survive_a_round_trip() {
        for subscription in [
            Subscription::Subscribe(Bytes::from_static(b"A")),
            Subscription::Cancel(Bytes::new()),
            Subscription::Subscribe(Bytes::from(vec![0; 300])),
        ] {
            assert_eq!(Subscription::from_message(&subscription.to_message()), Some(subscription.clone()));
            let frame = wire(&subscription, Version::V3_1);
            let header = FrameHeader::parse(&frame).unwrap().unwrap();
            let body = frame.slice(header.header_len()..);
            assert_eq!(Command::parse(body), Ok(Command::Subscription(subscription)));
        }
        assert_eq!(Subscription::from_message(&Message::from("\x02user")), None);
        assert_eq!(Subscription::from_message(&Message::from("")), None);
    }
}
