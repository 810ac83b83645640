use super::*;

fn frames(message: impl IntoMessage) -> Vec<Vec<u8>> {
    message.into_message().iter().map(<[u8]>::to_vec).collect()
}

#[test]
fn text_and_bytes_are_one_frame_by_value_and_by_reference() {
    fn check<T: IntoMessage + Clone + Into<Message>>(value: T)
    where
        for<'a> Message: From<&'a T>,
    {
        assert_eq!(frames(&value), [b"ab"]);
        assert_eq!(Message::from(&value), value.clone().into());
        assert_eq!(frames(value), [b"ab"]);
    }
    check("ab");
    check(b"ab");
    check(*b"ab");
    check(&b"ab"[..]);
    check(b"ab".to_vec());
    check(String::from("ab"));
    check(Bytes::from_static(b"ab"));
    check(BytesMut::from("ab"));
    check(Box::<str>::from("ab"));
    check(Box::<[u8]>::from(*b"ab"));
    check(Arc::<str>::from("ab"));
    check(Arc::<[u8]>::from(*b"ab"));
    check(Cow::from("ab"));
    check(Cow::from(String::from("ab")));
    check(Cow::from(&b"ab"[..]));
    check(Message::from("ab"));
    assert_eq!(frames([0u8; 0]), [b""]);
    assert_eq!(frames(Vec::<u8>::new()), [b""]);
}

#[test]
fn arrays_slices_vectors_and_tuples_have_a_frame_for_each_element() {
    fn check<T: IntoMessage + Clone + Into<Message>>(value: T) {
        assert_eq!(frames(&value), [b"a", b"b"]);
        assert_eq!(frames(value.clone()), [b"a", b"b"]);
        assert_eq!(value.clone().into(), Message::from(&value));
    }
    let (a, b) = (String::from("a"), String::from("b"));
    check(["a", "b"]);
    check(&["a", "b"][..]);
    check(vec!["a", "b"]);
    check([&a, &b]);
    check([a.clone(), b.clone()]);
    check(vec![a.clone(), b.clone()]);
    check(&[a.clone(), b][..]);
    check([*b"a", *b"b"]);
    check([b"a", b"b"]);
    check(vec![b"a".to_vec(), b"b".to_vec()]);
    check([Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
    check([Cow::from("a"), Cow::from("b")]);
    check(("a", "b"));
    check((a.clone(), b"b"));
    check((&a, Bytes::from_static(b"b")));
    check((Cow::from("a"), *b"b"));
}

#[test]
fn tuples_have_up_to_eight_frames_and_collections_any_number_but_none() {
    assert_eq!(frames(("a",)), [b"a"]);
    assert_eq!(frames(("a", "b", "c", "d", "e", "f", "g", *b"h")).concat(), b"abcdefgh");
    assert_eq!(frames(Vec::<String>::new()), [b""]);
    assert_eq!(frames(&[] as &[&str]), [b""]);
    assert_eq!(frames(["a"; 1000]).len(), 1000);
}

#[test]
fn large_bodies_are_not_copied_if_they_are_owned_or_shared_even_by_reference() {
    let place = |message: Message, n: usize| message.into_iter().nth(n).unwrap().as_ptr();
    let body = vec![7u8; 100];
    let at = body.as_ptr();
    assert_ne!(place((&body).into(), 0), at);
    assert_eq!(place([body].into(), 0), at);
    let body = Arc::<[u8]>::from([7u8; 100]);
    assert_eq!(place(body.clone().into(), 0), body.as_ptr());
    let body = Bytes::from(vec![7u8; 100]);
    assert_eq!(place(Message::from(&body), 0), body.as_ptr());
    assert_eq!(place(Message::from(&[&body]), 0), body.as_ptr());
    assert_eq!(place(Message::from(&("a", &body)), 1), body.as_ptr());
    let message = Message::from(body.clone());
    assert_eq!(place(Message::from(&message), 0), body.as_ptr());
}
