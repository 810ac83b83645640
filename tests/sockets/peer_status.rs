//! The status of peers: when they joined, and lists of them in pages.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use enfonet::peer::{PeerId, PeerStatus};
use enfonet::{Dealer, Options, Router};

use crate::{anywhere, on_every_runtime, within_deadline};

on_every_runtime!(
    a_peer_knows_when_its_present_connection_began,
    a_peer_that_stays_is_in_one_page_whatever_other_peers_come_and_go,
    a_page_has_256_peers_at_most_and_a_list_has_all,
);

async fn a_peer_knows_when_its_present_connection_began() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let before = SystemTime::now();
        let dealer = Dealer::with_options(Options::default().reconnect_interval(Duration::ZERO));
        dealer.connect(&at).unwrap();
        dealer.send("first").await.unwrap();
        let (first, _) = within_deadline(router.recv_from()).await.unwrap();
        dealer.wait_connected(1).await;
        let of_dealer = dealer.peers()[0].info.joined_at;
        assert!(before <= first.joined_at && first.joined_at <= SystemTime::now());
        assert!(router.disconnect_peer(first.id));
        dealer.wait_disconnected().await;
        dealer.send("second").await.unwrap();
        let (second, _) = within_deadline(router.recv_from()).await.unwrap();
        dealer.wait_connected(1).await;
        assert!(second.joined_at > first.joined_at);
        assert!(dealer.peers()[0].info.joined_at > of_dealer, "its id stays, and the connection is new");
    }
}

/// Connects a peer, and returns it and its id at the router.
async fn join(router: &Router, at: &str) -> (Dealer, PeerId) {
    let dealer = Dealer::new();
    dealer.connect(at).unwrap();
    dealer.send("hello").await.unwrap();
    let (peer, _) = within_deadline(router.recv()).await.unwrap();
    (dealer, peer)
}

async fn leave(router: &Router, dealer: Dealer, peer: PeerId) {
    dealer.close(Duration::ZERO).await;
    within_deadline(async {
        while router.peer(peer).is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn a_peer_that_stays_is_in_one_page_whatever_other_peers_come_and_go() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap().to_string();
        let mut peers = Vec::new();
        for _ in 0..12 {
            peers.push(join(&router, &at).await);
        }
        // Every second peer leaves while the pages are read, and another comes, some of them in the same place.
        let (staying, leaving): (Vec<_>, Vec<_>) =
            peers.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
        let (mut leaving, mut new) = (leaving.into_iter(), Vec::new());
        let (mut after, mut listed) = (None, HashMap::<PeerId, usize>::new());
        loop {
            let page = router.peers_after(after, 3);
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            after = Some(last.info.id);
            page.iter().for_each(|peer| *listed.entry(peer.info.id).or_default() += 1);
            if let Some((_, (dealer, peer))) = leaving.next() {
                leave(&router, dealer, peer).await;
                new.push(join(&router, &at).await);
            }
        }
        assert!(listed.values().all(|times| *times == 1), "{listed:?}");
        assert!(staying.iter().all(|(_, (_, peer))| listed.contains_key(peer)));
    }
}

async fn a_page_has_256_peers_at_most_and_a_list_has_all() {
    let router = Router::new();
    let at = router.bind(crate::inproc()).await.unwrap();
    let dealers: Vec<Dealer> = (0..600).map(|_| Dealer::new()).collect();
    dealers.iter().for_each(|dealer| dealer.connect(&at).unwrap());
    router.wait_connected(600).await;
    assert!(router.peers_after(None, 0).is_empty());
    assert_eq!(router.peers_after(None, usize::MAX).len(), 256);
    let ids: Vec<PeerId> = router.peers().iter().map(|peer: &PeerStatus| peer.info.id).collect();
    assert_eq!(ids.len(), 600);
    assert!(ids.is_sorted_by(|left, right| left < right));
    assert!(router.peers_after(ids.last().copied(), 1).is_empty());
}
