use proptest::prelude::*;

use super::*;
use crate::routing::tests::add_queue;
use crate::size::Size;

struct Desk {
    routing: RequestState,
    outboxes: Outboxes,
    ids: Vec<PeerId>,
}

impl Desk {
    fn new(peers: usize) -> Self {
        Self::with(peers, RequestSettings::default())
    }

    fn with(peers: usize, settings: RequestSettings) -> Self {
        let (mut routing, mut outboxes) = (RequestState::new(&settings, u32::MAX), Outboxes::new());
        let ids: Vec<_> = (0..peers).map(|_| add_queue(&mut outboxes, Size::new(999, 9999))).collect();
        ids.iter().for_each(|id| routing.open(*id));
        Self { routing, outboxes, ids }
    }

    /// Sends a request, and returns the index of its recipient.
    fn request(&mut self, body: &str) -> Option<usize> {
        let id = self.routing.request(&mut self.outboxes, &Outgoing::new(body))?;
        self.ids.iter().position(|peer| *peer == id)
    }

    fn retry(&mut self, request_id: RequestId, body: &str) -> Option<usize> {
        let id = self.routing.retry(request_id, &mut self.outboxes, &Message::from(body.to_owned()))?;
        self.ids.iter().position(|peer| *peer == id)
    }

    fn resend(&mut self) -> Option<usize> {
        let id = self.routing.resend(&mut self.outboxes)?;
        self.ids.iter().position(|peer| *peer == id)
    }

    fn status(&mut self) -> RequestStatus {
        self.routing.status(self.routing.request_id())
    }

    fn reply(&mut self, peer: usize, wire: Message) -> bool {
        self.routing.reply(self.ids[peer], wire)
    }

    /// Takes all messages that wait for a peer.
    fn drain(&mut self, peer: usize) -> Vec<Message> {
        self.outboxes[self.ids[peer]].drain().into_iter().flatten().collect()
    }

    fn peer_lost(&mut self, peer: usize, is_sent: bool) {
        let unsent = self.outboxes[self.ids[peer]].drain();
        self.routing.peer_lost(self.ids[peer], if is_sent { Vec::new() } else { unsent });
    }
}

fn wire(body: &'static str) -> Message {
    Message::from_frames(["", body])
}

fn replied(body: &'static str) -> RequestStatus {
    RequestStatus::Replied(body.into())
}

fn correlated() -> RequestSettings {
    RequestSettings { correlate: true, ..RequestSettings::default() }
}

#[test]
fn only_the_peer_of_the_last_request_can_reply_and_only_once() {
    let mut desk = Desk::new(2);
    assert!(!desk.reply(0, wire("early")));
    assert_eq!(desk.request("q"), Some(0));
    assert!(!desk.reply(1, wire("other")));
    assert_eq!(desk.status(), RequestStatus::Awaiting);
    assert!(desk.reply(0, wire("a")));
    assert!(!desk.reply(0, wire("again")));
    assert_eq!(desk.status(), replied("a"));
    assert_eq!(desk.status(), RequestStatus::Over);
    assert_eq!(desk.request("q"), Some(1));
}

#[test]
fn a_reply_without_the_delimiter_is_dropped() {
    let mut desk = Desk::new(1);
    desk.request("q");
    for malformed in [Message::from("a"), Message::from(""), Message::from_frames(["x", "", "a"])] {
        assert!(!desk.reply(0, malformed));
    }
    assert_eq!(desk.status(), RequestStatus::Awaiting);
}

#[test]
fn a_request_and_its_reply_have_the_request_number_before_the_delimiter() {
    let mut desk = Desk::with(1, correlated());
    desk.request("q");
    assert_eq!(
        desk.drain(0),
        [Message::from_frames(["\0\0\0\0", "", "q"])],
        "numbers begin again after the last"
    );
    let others =
        [&["\0\0\0\u{1}", "", "a"][..], &["", "a"], &["\0\0\0\0", "x", "", "a"], &["\0\0\0", "", "a"]];
    for other in others {
        assert!(!desk.reply(0, Message::from_frames(other.iter().map(|frame| frame.to_string()))));
    }
    assert!(desk.reply(0, Message::from_frames(["\0\0\0\0", "", "a"])));
    assert_eq!(desk.status(), replied("a"));
}

#[test]
fn a_request_is_lost_only_with_the_peer_that_has_it() {
    let mut desk = Desk::new(2);
    desk.request("q");
    desk.peer_lost(1, true);
    assert_eq!(desk.status(), RequestStatus::Awaiting);
    desk.peer_lost(0, true);
    assert_eq!(desk.status(), RequestStatus::Lost);
    assert!(!desk.routing.may_request(), "its sender hasn't heard of it yet");
    desk.routing.give_up(desk.routing.request_id(), &mut desk.outboxes);
    assert!(desk.routing.may_request());
}

#[test]
fn a_request_that_was_not_sent_goes_to_another_peer() {
    for settings in [RequestSettings::default(), correlated()] {
        let mut desk = Desk::with(2, settings);
        desk.request("q");
        let sent = desk.outboxes[desk.ids[0]].drain();
        desk.routing.peer_lost(desk.ids[0], sent.clone());
        assert_eq!(desk.resend(), Some(1));
        let sent: Vec<_> = sent.into_iter().flatten().collect();
        assert_eq!(desk.drain(1), sent);
        assert!(desk.reply(1, sent[0].clone()));
        assert_eq!(desk.status(), replied("q"));
    }
}

#[test]
fn a_relaxed_request_replaces_the_request_before() {
    let mut desk = Desk::with(1, RequestSettings { relaxed: true, ..correlated() });
    desk.request("first");
    let first = desk.routing.request_id();
    desk.request("second");
    assert_eq!(desk.routing.status(first), RequestStatus::Abandoned);
    let sent = desk.drain(0);
    assert_eq!(sent.len(), 2);
    assert!(!desk.reply(0, sent[0].clone()));
    assert!(desk.reply(0, sent[1].clone()));
    desk.request("third");
    assert_eq!(desk.status(), RequestStatus::Awaiting, "the reply to the second went with it");
}

#[test]
fn a_retried_request_keeps_its_number_and_any_reply_to_it_counts() {
    let mut desk = Desk::with(2, RequestSettings { retries: 1, ..RequestSettings::default() });
    desk.ids.iter().for_each(|id| desk.outboxes[*id].connect(Size::default()));
    desk.request("q");
    let request_id = desk.routing.request_id();
    assert_eq!(desk.retry(request_id, "q"), Some(1));
    let [first, second] = [desk.drain(0), desk.drain(1)];
    assert_eq!(first, second);
    assert!(desk.reply(0, first[0].clone()));
    assert!(!desk.reply(1, second[0].clone()));
    assert_eq!(desk.retry(request_id, "q"), None, "there is a reply");
    assert_eq!(desk.status(), replied("q"));
}

#[test]
fn a_request_queued_for_an_absent_peer_is_removed_when_it_is_retried_or_given_up() {
    let mut desk = Desk::with(2, RequestSettings { relaxed: true, ..correlated() });
    desk.outboxes[desk.ids[1]].connect(Size::default());
    desk.request("abandoned");
    desk.request("other");
    desk.request("q");
    let request_id = desk.routing.request_id();
    assert_eq!(desk.retry(request_id, "q"), Some(1));
    let bodies =
        |sent: Vec<Message>| -> Vec<_> { sent.into_iter().map(|m| m.split_envelope().unwrap().1).collect() };
    assert_eq!(bodies(desk.drain(0)), ["abandoned"]);
    assert_eq!(bodies(desk.drain(1)), ["other", "q"]);
    assert_eq!(desk.retry(request_id, "q"), Some(0));
    desk.routing.give_up(request_id, &mut desk.outboxes);
    assert!(desk.drain(0).is_empty());
}

#[test]
fn a_full_peer_is_chosen_again_when_it_has_room() {
    let mut desk = Desk::with(1, RequestSettings { relaxed: true, ..RequestSettings::default() });
    let id = desk.ids[0];
    desk.outboxes[id].set_limit(Size::new(1, 9999));
    assert_eq!((desk.request("first"), desk.request("second")), (Some(0), None));
    desk.drain(0);
    assert_eq!(desk.request("second"), None, "nobody has said so");
    desk.routing.room(id);
    assert_eq!(desk.request("second"), Some(0));
}

/// An event at a REQ with three peers.
#[derive(Clone, Debug)]
enum Step {
    Request,
    Again,
    /// Reply of a peer to the last request, or to an earlier request.
    Reply(usize, usize),
    /// Message of a peer that isn't a reply.
    Nonsense(usize, &'static [&'static str]),
    /// Loss of a peer, after or before it received the messages that were sent to it.
    Gone(usize, bool),
    Resend,
    Look,
    /// End of the last request, or of the request before it, without a reply.
    GiveUp {
        last: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let nonsense = prop::sample::select(vec![
        &["x"][..],
        &["", ""],
        &["abcd", "", "x"],
        &["abcd"],
        &["x", "y", "", "z"],
    ]);
    prop_oneof![
        4 => Just(Step::Request),
        2 => Just(Step::Again),
        6 => (0usize..3, 0usize..3).prop_map(|(peer, age)| Step::Reply(peer, age)),
        1 => (0usize..3, nonsense).prop_map(|(peer, frames)| Step::Nonsense(peer, frames)),
        2 => (0usize..3, any::<bool>()).prop_map(|(peer, is_sent)| Step::Gone(peer, is_sent)),
        2 => Just(Step::Resend),
        4 => Just(Step::Look),
        2 => any::<bool>().prop_map(|last| Step::GiveUp { last }),
    ]
}

/// Model of a REQ: a request, its recipients, and its fate.
#[derive(Debug, Default)]
struct Model {
    /// Requests so far; their bodies are their numbers.
    requests: usize,
    holders: Vec<usize>,
    fate: Fate,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Fate {
    #[default]
    Over,
    Awaited,
    Unsent,
    Lost,
    Replied(usize),
}

impl Model {
    fn is_open(&self) -> bool {
        matches!(self.fate, Fate::Awaited | Fate::Unsent | Fate::Lost)
    }

    fn asked(&mut self, peer: usize) {
        self.holders.retain(|holder| *holder != peer);
        self.holders.push(peer);
        self.fate = Fate::Awaited;
    }
}

fn body(number: usize) -> Message {
    Message::from(number.to_string())
}

proptest! {
    #[test]
    fn the_request_state_agrees_with_a_plain_model(
        relaxed in any::<bool>(),
        correlate in any::<bool>(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut desk = Desk::with(3, RequestSettings { relaxed, correlate, ..RequestSettings::default() });
        desk.ids.iter().for_each(|id| desk.outboxes[*id].connect(Size::default()));
        let (mut model, mut last) = (Model::default(), desk.routing.request_id());
        let mut before = last;
        for step in steps {
            match step {
                Step::Request => {
                    prop_assert_eq!(desk.routing.may_request(), relaxed || model.fate == Fate::Over);
                    if desk.routing.may_request() {
                        (model.requests, model.holders) = (model.requests + 1, Vec::new());
                        model.asked(desk.request(&model.requests.to_string()).expect("all have room"));
                        if model.requests > 1 {
                            prop_assert_eq!(desk.routing.status(last), RequestStatus::Abandoned);
                        }
                        (before, last) = (last, desk.routing.request_id());
                    }
                }
                // Without numbers on the wire, no request is sent twice.
                Step::Again if correlate => {
                    let peer = desk.retry(last, &model.requests.to_string());
                    prop_assert_eq!(peer.is_some(), model.is_open());
                    peer.into_iter().for_each(|peer| model.asked(peer));
                }
                Step::Again => {}
                Step::Reply(peer, age) => {
                    let Some(number) = model.requests.checked_sub(age).filter(|number| *number > 0) else { continue };
                    let number_frame = u32::try_from(number - 1).unwrap().to_be_bytes();
                    let envelope = if correlate { Envelope::of(&[&number_frame[..], b""]) } else { Envelope::delimiter() };
                    let counts = model.is_open() && model.holders.contains(&peer) && (age == 0 || !correlate);
                    prop_assert_eq!(desk.reply(peer, body(number).with_envelope(&envelope)), counts);
                    if counts {
                        model.fate = Fate::Replied(number);
                    }
                }
                Step::Nonsense(peer, frames) => {
                    let plain = !correlate && frames == ["", ""];
                    let counts = plain && model.is_open() && model.holders.contains(&peer);
                    prop_assert_eq!(desk.reply(peer, Message::from_frames(frames.iter().copied())), counts);
                    if counts {
                        desk.status();
                        model.fate = Fate::Over;
                    }
                }
                Step::Gone(peer, is_sent) => {
                    let has_to_know = model.is_open() && model.holders.contains(&peer);
                    let id = desk.ids[peer];
                    prop_assert_eq!(desk.routing.part(id), has_to_know);
                    prop_assert_eq!(desk.routing.close(id), has_to_know);
                    desk.routing.open(id);
                    desk.peer_lost(peer, is_sent);
                    if model.is_open() {
                        let was_last = model.holders.last() == Some(&peer);
                        model.holders.retain(|holder| *holder != peer);
                        if was_last && model.fate == Fate::Awaited {
                            model.fate = if is_sent { Fate::Lost } else { Fate::Unsent };
                        }
                    }
                }
                Step::Resend => {
                    let peer = desk.resend();
                    prop_assert_eq!(peer.is_some(), model.fate == Fate::Unsent);
                    peer.into_iter().for_each(|peer| model.asked(peer));
                }
                Step::Look => {
                    let (status, fate) = match model.fate {
                        Fate::Over => (RequestStatus::Over, Fate::Over),
                        Fate::Awaited => (RequestStatus::Awaiting, Fate::Awaited),
                        Fate::Unsent => (RequestStatus::Awaiting, Fate::Unsent),
                        Fate::Lost => (RequestStatus::Lost, Fate::Lost),
                        Fate::Replied(number) => (RequestStatus::Replied(body(number)), Fate::Over),
                    };
                    prop_assert_eq!(desk.status(), status);
                    model.fate = fate;
                }
                Step::GiveUp { last: true } => {
                    desk.routing.give_up(last, &mut desk.outboxes);
                    model.fate = Fate::Over;
                }
                // The earlier request has been abandoned.
                Step::GiveUp { last: false } if before != last => {
                    desk.routing.give_up(before, &mut desk.outboxes);
                }
                Step::GiveUp { .. } => {}
            }
        }
    }
}
