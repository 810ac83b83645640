//! Options that only some kinds of sockets have, set before the kind is named.

use std::time::Duration;

use enfonet::options::{HasOptions, PublishOptions};
use enfonet::{Client, Dealer, Options, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};

#[test]
fn each_kind_takes_its_own_options_and_common_options_in_any_order() {
    let common = || Options::default().send_hwm(10);
    let second = Duration::from_secs(1);
    drop(Pub::with_options(Options::default().nodrop(true)));
    drop(Pub::with_options(common().nodrop(true).invert_matching(true).conflate(false).recv_hwm(10)));
    drop(Sub::with_options(common().conflate(true).invert_matching(true)));
    let xpub = Options::default().nodrop(true).welcome("hi").verbose(true).verboser(true).manual(true);
    drop(XPub::with_options(xpub.invert_matching(true).linger(second)));
    drop(XSub::with_options(Options::default().verbose_unsubscribe(true)));
    let req = Options::default().probe(true).relaxed(true).correlate(true).retries(1);
    drop(Req::with_options(req.reply_timeout(second)));
    let router = common().handover(true).mandatory(true).disconnect_message("bye").probe(true);
    drop(Router::with_options(router.peer_events(true).hello("hi")));
    let dealer = Options::default().hiccup_message("again").hello("hi").peer_events(true).probe(true);
    drop(Dealer::with_options(dealer.clone().conflate(false)));
    drop(Client::with_options(dealer));
    drop(Push::with_options(Options::default().conflate(true)));
    drop(Pull::with_options(common().conflate(true)));
    drop(Rep::with_options(common()));
    drop(enfonet::blocking::Router::with_options(Options::default().mandatory(true)));
}

#[test]
fn options_of_several_kinds_make_sockets_of_all_of_them() {
    fn socket<K: HasOptions<PublishOptions>>(options: Options<K>) -> K {
        options.nodrop(true).build()
    }
    let publishing = Options::default().nodrop(true).invert_matching(true);
    let (_first, _second) = (Pub::with_options(publishing.clone()), XPub::with_options(publishing.clone()));
    let named: Options<XPub> = publishing.into();
    drop((socket(named.manual(true)), socket(Pub::builder())));
}
