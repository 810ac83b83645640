//! Properties that hold for all messages and for any bytes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::SystemTime;

use enfonet_proto::prost::Message;
use enfonet_proto::{Bytes, Event, Failure, Outcome, Request, Response, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

fn payload() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn headers() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(any::<String>(), any::<String>(), 0..5)
}

fn timestamp() -> impl Strategy<Value = Option<Timestamp>> {
    option::of((any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos }))
}

prop_compose! {
    fn events()(
        (id, source, topic, content_type) in any::<(String, String, String, String)>(),
        (epoch, sequence) in any::<(u64, u64)>(),
        time in timestamp(),
        headers in headers(),
        payload in payload(),
    ) -> Event {
        Event { id, source, topic, epoch, sequence, time, content_type, headers, payload }
    }
}

prop_compose! {
    fn requests()(
        (id, method, content_type) in any::<(String, String, String)>(),
        deadline in timestamp(),
        headers in headers(),
        payload in payload(),
    ) -> Request {
        Request { id, method, deadline, content_type, headers, payload }
    }
}

prop_compose! {
    // Any number is a code: a newer peer may send codes that this version doesn't know.
    fn failures()(code in prop_oneof![0..10i32, any::<i32>()], message: String, retryable: bool) -> Failure {
        Failure { code, message, retryable }
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![payload().prop_map(Outcome::Payload), failures().prop_map(Outcome::Failure)]
}

prop_compose! {
    fn responses()(
        (id, content_type) in any::<(String, String)>(),
        headers in headers(),
        outcome in option::of(outcomes()),
    ) -> Response {
        Response { id, content_type, headers, outcome }
    }
}

/// Asserts that the bytes of a message decode to an equal message, and that this message encodes to the same bytes.
fn assert_round_trip<M: Message + PartialEq + Default + Debug>(message: &M) -> Result<(), TestCaseError> {
    let wire = message.encode_to_vec();
    prop_assert_eq!(wire.len(), message.encoded_len());
    let again = M::decode(&wire[..]);
    prop_assert_eq!(again.as_ref(), Ok(message));
    prop_assert_eq!(again.map(|again| again.encode_to_vec()), Ok(wire));
    Ok(())
}

/// Decodes any bytes without a panic. Asserts that a decoded message survives a round trip.
fn decode<M: Message + PartialEq + Default + Debug>(bytes: &[u8]) -> Result<(), TestCaseError> {
    M::decode(bytes).map_or(Ok(()), |message| assert_round_trip(&message))
}

fn decode_as_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    decode::<Event>(bytes)?;
    decode::<Request>(bytes)?;
    decode::<Response>(bytes)?;
    decode::<Failure>(bytes)
}

/// Returns encodings of all kinds of messages.
fn wires() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        events().prop_map(|m| m.encode_to_vec()),
        requests().prop_map(|m| m.encode_to_vec()),
        responses().prop_map(|m| m.encode_to_vec()),
        failures().prop_map(|m| m.encode_to_vec()),
    ]
}

proptest! {
    #[test]
    fn events_survive_a_round_trip(event in events()) {
        assert_round_trip(&event)?;
    }

    #[test]
    fn requests_survive_a_round_trip(request in requests()) {
        assert_round_trip(&request)?;
    }

    #[test]
    fn responses_survive_a_round_trip(response in responses()) {
        assert_round_trip(&response)?;
    }

    #[test]
    fn failures_survive_a_round_trip(failure in failures()) {
        assert_round_trip(&failure)?;
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        decode_as_all(&bytes)?;
    }

    #[test]
    fn cut_and_changed_messages_never_panic(
        mut wire in wires(),
        changes in vec(any::<(Index, u8)>(), 0..4),
        end: Index,
    ) {
        for (at, byte) in changes.into_iter().filter(|_| !wire.is_empty()).collect::<Vec<_>>() {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        wire.truncate(end.index(wire.len() + 1));
        decode_as_all(&wire)?;
    }

    #[test]
    fn the_conversion_of_a_timestamp_to_a_system_time_never_panics(seconds: i64, nanos: i32) {
        let _ = SystemTime::try_from(Timestamp { seconds, nanos });
    }
}
