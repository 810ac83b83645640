//! Timeouts that an application sets on a broker's sockets.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::future::pending;
use std::time::Duration;

use enfonet::Options;
use enfonet_proxy::{Config, Side, mq, slb};

#[tokio::test]
async fn a_broker_ignores_the_timeouts_in_its_socket_options() {
    let side = || {
        let options = Options::default().recv_timeout(Duration::ZERO).send_timeout(Duration::ZERO);
        Side { options, ..Side::bound("tcp://127.0.0.1:*".parse().unwrap()) }
    };
    let config = || Config::new(side(), side());
    let (queue, balancer) = (mq::Broker::bind(config()).await, slb::Broker::bind(config()).await);
    let a_while = async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = queue.unwrap().run(pending()) => panic!("{ended:?}"),
        ended = balancer.unwrap().run(pending()) => panic!("{ended:?}"),
        () = a_while => {}
    }
}
