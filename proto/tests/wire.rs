//! Wire form, byte by byte: programs in other languages and older versions rely on it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use enfonet_proto::prost::Message;
use enfonet_proto::{Bytes, Event, Failure, FailureCode, Outcome, Request, Response, Timestamp};

fn headers(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
}

fn event() -> Event {
    Event {
        id: "i".into(),
        source: "s".into(),
        topic: "t".into(),
        epoch: 300,
        sequence: 2,
        time: Some(Timestamp { seconds: 1, nanos: 5 }),
        content_type: "c".into(),
        headers: headers(&[("b", "2"), ("a", "1")]),
        payload: Bytes::from_static(b"p"),
    }
}

fn request() -> Request {
    Request {
        id: "i".into(),
        method: "m".into(),
        deadline: Some(Timestamp { seconds: 1, nanos: 5 }),
        content_type: "c".into(),
        headers: headers(&[("b", "2"), ("a", "1")]),
        payload: Bytes::from_static(b"p"),
    }
}

fn response(outcome: Outcome) -> Response {
    Response {
        id: "i".into(),
        content_type: "c".into(),
        headers: headers(&[("a", "1")]),
        outcome: Some(outcome),
    }
}

fn failure() -> Failure {
    Failure { code: FailureCode::Overloaded.into(), message: "m".into(), retryable: true }
}

// A field is its tag, number << 3 | type, then its value. Type 0 is a varint, 2 a length and as many bytes.
const EVENT: &[&[u8]] = &[
    b"\x0a\x01i",                  // 1 id
    b"\x12\x01s",                  // 2 source
    b"\x1a\x01t",                  // 3 topic
    b"\x20\xac\x02",               // 4 epoch
    b"\x28\x02",                   // 5 sequence
    b"\x32\x04\x08\x01\x10\x05",   // 6 time {1 seconds, 2 nanos}
    b"\x3a\x01c",                  // 7 content_type
    b"\x42\x06\x0a\x01a\x12\x011", // 8 headers {1 key, 2 value}
    b"\x42\x06\x0a\x01b\x12\x012",
    b"\x4a\x01p", // 9 payload
];
const REQUEST: &[&[u8]] = &[
    b"\x0a\x01i",                  // 1 id
    b"\x12\x01m",                  // 2 method
    b"\x1a\x04\x08\x01\x10\x05",   // 3 deadline {1 seconds, 2 nanos}
    b"\x22\x01c",                  // 4 content_type
    b"\x2a\x06\x0a\x01a\x12\x011", // 5 headers {1 key, 2 value}
    b"\x2a\x06\x0a\x01b\x12\x012",
    b"\x32\x01p", // 6 payload
];
const DONE: &[&[u8]] = &[
    b"\x0a\x01i",                  // 1 id
    b"\x12\x01c",                  // 2 content_type
    b"\x1a\x06\x0a\x01a\x12\x011", // 3 headers {1 key, 2 value}
    b"\x22\x01p",                  // 4 payload
];
const FAILED: &[&[u8]] = &[
    b"\x0a\x01i",                         // 1 id
    b"\x12\x01c",                         // 2 content_type
    b"\x1a\x06\x0a\x01a\x12\x011",        // 3 headers {1 key, 2 value}
    b"\x2a\x07\x08\x07\x12\x01m\x18\x01", // 5 failure {1 code, 2 message, 3 retryable}
];

fn assert_wire<M: Message + PartialEq + Default + Debug>(message: &M, wire: &[&[u8]]) {
    let wire = Bytes::from(wire.concat());
    assert_eq!(Bytes::from(message.encode_to_vec()), wire);
    assert_eq!(M::decode(wire).as_ref(), Ok(message));
}

#[test]
fn field_numbers_and_types_have_not_changed() {
    assert_wire(&event(), EVENT);
    assert_wire(&request(), REQUEST);
    assert_wire(&response(Outcome::Payload(Bytes::from_static(b"p"))), DONE);
    assert_wire(&response(Outcome::Failure(failure())), FAILED);
}

#[test]
fn failure_codes_have_not_changed() {
    for (number, name) in [
        (0, "FAILURE_CODE_UNSPECIFIED"),
        (1, "FAILURE_CODE_INVALID_REQUEST"),
        (2, "FAILURE_CODE_UNKNOWN_METHOD"),
        (3, "FAILURE_CODE_PERMISSION_DENIED"),
        (4, "FAILURE_CODE_NOT_FOUND"),
        (5, "FAILURE_CODE_CONFLICT"),
        (6, "FAILURE_CODE_DEADLINE_EXCEEDED"),
        (7, "FAILURE_CODE_OVERLOADED"),
        (8, "FAILURE_CODE_UNAVAILABLE"),
        (9, "FAILURE_CODE_INTERNAL"),
    ] {
        assert_eq!(FailureCode::from_str_name(name).map(i32::from), Some(number), "{name}");
    }
}

#[test]
fn default_fields_take_no_bytes() {
    assert_eq!(Event::default().encoded_len(), 0);
    assert_eq!(Request::default().encoded_len(), 0);
    assert_eq!(Response::default().encoded_len(), 0);
    assert_eq!(Failure::default().encoded_len(), 0);
    assert_eq!(Event::decode(&b""[..]), Ok(Event::default()));
}

#[test]
fn an_empty_result_and_an_empty_failure_differ_from_no_outcome() {
    for (outcome, wire) in [
        (Some(Outcome::Payload(Bytes::new())), &b"\x22\x00"[..]),
        (Some(Outcome::Failure(Failure::default())), b"\x2a\x00"),
        (None, b""),
    ] {
        let response = Response { outcome, ..Response::default() };
        assert_wire(&response, &[wire]);
    }
}

#[test]
fn fields_of_a_newer_peer_are_skipped() {
    // Field number 1000, in each wire type, before and after the known fields.
    for unknown in [
        &b"\xc0\x3e\x96\x01"[..],                    // varint
        b"\xc1\x3e\x01\x02\x03\x04\x05\x06\x07\x08", // 64 bits
        b"\xc2\x3e\x03new",                          // length
        b"\xc3\x3e\x08\x01\xc4\x3e",                 // group
        b"\xc5\x3e\x01\x02\x03\x04",                 // 32 bits
    ] {
        let newer = |known: &[&[u8]]| [unknown, &known.concat(), unknown].concat();
        assert_eq!(Event::decode(&newer(EVENT)[..]), Ok(event()));
        assert_eq!(Request::decode(&newer(REQUEST)[..]), Ok(request()));
        let failed = response(Outcome::Failure(failure()));
        assert_eq!(Response::decode(&newer(FAILED)[..]), Ok(failed));
    }
}

#[test]
fn an_outcome_of_a_newer_peer_reads_as_none() {
    let response = Response::decode(&b"\x0a\x01i\xc2\x3e\x03new"[..]).unwrap();
    assert_eq!(response.id, "i");
    assert_eq!(response.outcome, None);
}

#[test]
fn a_failure_code_of_a_newer_peer_reads_as_unspecified_and_keeps_its_number() {
    let failure = Failure::decode(&b"\x08\x63"[..]).unwrap();
    assert_eq!(failure.code(), FailureCode::Unspecified);
    assert_eq!(failure.code, 99);
    assert_eq!(failure.encode_to_vec(), b"\x08\x63");
}

#[test]
fn a_payload_is_a_slice_of_the_frame_it_came_in() {
    let within = |frame: &Bytes, payload: &Bytes| frame.as_ptr_range().contains(&payload.as_ptr());
    let frame = Bytes::from(EVENT.concat());
    assert!(within(&frame, &Event::decode(frame.clone()).unwrap().payload));
    let frame = Bytes::from(REQUEST.concat());
    assert!(within(&frame, &Request::decode(frame.clone()).unwrap().payload));
    let frame = Bytes::from(DONE.concat());
    let Some(Outcome::Payload(payload)) = Response::decode(frame.clone()).unwrap().outcome else {
        panic!("the response has a payload");
    };
    assert!(within(&frame, &payload));
}

#[test]
fn text_that_is_not_utf8_is_an_error() {
    assert!(Event::decode(&b"\x1a\x01\xff"[..]).is_err());
    assert!(Request::decode(&b"\x12\x01\xff"[..]).is_err());
}

#[test]
fn a_length_beyond_the_end_is_an_error() {
    assert!(Event::decode(&b"\x4a\x02p"[..]).is_err());
    assert!(Event::decode(&b"\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..]).is_err());
}
