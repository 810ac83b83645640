//! The status of peers: when they joined, and lists of them in pages.

use std::time::{Duration, SystemTime};

use enfonet::{Dealer, Options, Router};

use crate::{anywhere, on_every_runtime, within_deadline};

on_every_runtime!(a_peer_knows_when_its_present_connection_began);

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
