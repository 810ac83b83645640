use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ping(ttl: u16) -> Ping {
    Ping { ttl, context: Bytes::new() }
}

fn every(interval: Duration) -> HeartbeatConfig {
    HeartbeatConfig { interval, ..HeartbeatConfig::default() }
}

/// Polls for a PING that is due, and records it as written at once.
fn ask(heartbeat: &mut Heartbeat, now: Instant) {
    assert_eq!(heartbeat.poll(now), HeartbeatAction::Ping(ping(0)));
    heartbeat.handle_written(now);
}

#[test]
fn without_an_interval_no_ping_is_due() {
    let now = Instant::now();
    assert_eq!(Heartbeat::new(HeartbeatConfig::default(), now).poll(now), HeartbeatAction::Wait(None));
}

#[test]
fn a_time_beyond_the_clock_never_comes() {
    let (now, ever) = (Instant::now(), Duration::MAX);
    assert_eq!(Heartbeat::new(every(ever), now).poll(now), HeartbeatAction::Wait(None));
    let patient = HeartbeatConfig { timeout: Some(ever), ..every(SECOND) };
    let mut heartbeat = Heartbeat::new(patient, now);
    ask(&mut heartbeat, now + SECOND);
    assert_eq!(heartbeat.poll(now + SECOND), HeartbeatAction::Wait(Some(now + 2 * SECOND)));
}

#[test]
fn a_timeout_of_zero_is_no_timeout() {
    let start = Instant::now();
    let config = HeartbeatConfig { timeout: Some(Duration::ZERO), ..every(SECOND) };
    let mut heartbeat = Heartbeat::new(config, start);
    ask(&mut heartbeat, start + SECOND);
    assert_eq!(heartbeat.poll(start + 9 * SECOND), HeartbeatAction::Wait(Some(start + 10 * SECOND)));
}

#[test]
fn a_ping_is_due_after_each_interval_whatever_the_traffic() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(every(SECOND), start);
    assert_eq!(heartbeat.poll(start), HeartbeatAction::Wait(Some(start + SECOND)));
    for n in 1..4 {
        let now = start + n * SECOND;
        ask(&mut heartbeat, now);
        for later in [now, now + SECOND / 2] {
            heartbeat.handle_traffic(later);
            assert_eq!(heartbeat.poll(later), HeartbeatAction::Wait(Some(now + SECOND)));
        }
    }
}

#[test]
fn a_peer_that_stays_silent_after_a_ping_times_out_and_gets_no_second_ping() {
    let start = Instant::now();
    let config = HeartbeatConfig { timeout: Some(3 * SECOND), ..every(SECOND) };
    let mut heartbeat = Heartbeat::new(config, start);
    ask(&mut heartbeat, start + SECOND);
    assert_eq!(heartbeat.poll(start + 2 * SECOND), HeartbeatAction::Wait(Some(start + 3 * SECOND)));
    assert_eq!(heartbeat.poll(start + 3 * SECOND), HeartbeatAction::Wait(Some(start + 4 * SECOND)));
    assert_eq!(heartbeat.poll(start + 4 * SECOND), HeartbeatAction::Timeout);
}

#[test]
fn the_ttl_of_a_peer_counts_from_its_last_bytes_even_without_an_interval() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
    heartbeat.handle_ping(&ping(20), start);
    assert_eq!(heartbeat.poll(start), HeartbeatAction::Wait(Some(start + 2 * SECOND)));
    heartbeat.handle_traffic(start + SECOND);
    assert_eq!(heartbeat.poll(start + 2 * SECOND), HeartbeatAction::Wait(Some(start + 3 * SECOND)));
    heartbeat.handle_ping(&ping(0), start + 2 * SECOND);
    assert_eq!(heartbeat.poll(start + 9 * SECOND), HeartbeatAction::Wait(None));
    heartbeat.handle_ping(&ping(700), start);
    assert_eq!(heartbeat.poll(start + 69 * SECOND), HeartbeatAction::Wait(Some(start + 70 * SECOND)));
    assert_eq!(heartbeat.poll(start + 70 * SECOND), HeartbeatAction::Timeout);
}

#[test]
fn a_peer_that_is_not_read_does_not_time_out() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(every(SECOND), start);
    heartbeat.handle_ping(&ping(10), start);
    assert_eq!(heartbeat.poll(start + SECOND / 2), HeartbeatAction::Wait(Some(start + SECOND)));
    heartbeat.handle_unread(start + SECOND);
    ask(&mut heartbeat, start + SECOND);
    heartbeat.handle_unread(start + 2 * SECOND);
    assert_eq!(heartbeat.poll(start + 2 * SECOND), HeartbeatAction::Pong);
    ask(&mut heartbeat, start + 2 * SECOND);
}

#[test]
fn a_peer_with_a_ttl_that_is_not_read_gets_two_pongs_between_its_pings() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
    heartbeat.handle_unread(start);
    assert_eq!(heartbeat.poll(start), HeartbeatAction::Wait(None), "it hasn't asked");
    heartbeat.handle_ping(&ping(0), start + 4 * SECOND);
    let stalled = start + 5 * SECOND;
    heartbeat.handle_unread(stalled);
    for n in 1..4 {
        assert_eq!(heartbeat.poll(stalled), HeartbeatAction::Wait(Some(stalled + 2 * n * SECOND)));
        heartbeat.handle_unread(stalled + 2 * n * SECOND);
        assert_eq!(heartbeat.poll(stalled + 2 * n * SECOND), HeartbeatAction::Pong);
    }
    heartbeat.handle_reading();
    assert_eq!(heartbeat.poll(stalled + 99 * SECOND), HeartbeatAction::Wait(None));
}

#[test]
fn the_timeout_begins_when_the_ping_is_written() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(every(SECOND), start);
    assert_eq!(heartbeat.poll(start + SECOND), HeartbeatAction::Ping(ping(0)));
    // Traffic doesn't answer a PING that isn't written yet, and there is one PING at a time.
    heartbeat.handle_traffic(start + 2 * SECOND);
    for n in 3..6 {
        assert_eq!(heartbeat.poll(start + n * SECOND), HeartbeatAction::Wait(Some(start + (n + 1) * SECOND)));
    }
    let written = start + 5 * SECOND + SECOND / 2;
    heartbeat.handle_written(written);
    assert_eq!(heartbeat.poll(start + 6 * SECOND), HeartbeatAction::Wait(Some(written + SECOND)));
    assert_eq!(heartbeat.poll(written + SECOND), HeartbeatAction::Timeout);
}

#[test]
fn a_peer_that_reads_its_messages_has_more_time_to_answer() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(every(SECOND), start);
    heartbeat.handle_ping(&ping(15), start);
    ask(&mut heartbeat, start + SECOND);
    for n in 1..6 {
        heartbeat.handle_progress(start + n * SECOND + SECOND / 2);
        assert_ne!(heartbeat.poll(start + (n + 1) * SECOND), HeartbeatAction::Timeout);
    }
    assert_eq!(heartbeat.poll(start + 7 * SECOND), HeartbeatAction::Timeout);
}

#[test]
fn two_pings_are_sent_within_our_ttl() {
    let seconds = Duration::from_secs;
    for (interval, ttl, expected) in [
        (seconds(70), seconds(300), Duration::from_millis(32_750)),
        (seconds(10), seconds(5), Duration::from_millis(2500)),
        (seconds(1), seconds(2), seconds(1)),
        (seconds(1), seconds(9), seconds(1)),
        (seconds(1), Duration::from_millis(99), seconds(1)),
    ] {
        let start = Instant::now();
        let config = HeartbeatConfig { ttl, ..every(interval) };
        let mut heartbeat = Heartbeat::new(config, start);
        for n in 1..4 {
            assert_eq!(
                heartbeat.poll(start + (n - 1) * expected),
                HeartbeatAction::Wait(Some(start + n * expected))
            );
            assert!(
                matches!(heartbeat.poll(start + n * expected), HeartbeatAction::Ping(_)),
                "{interval:?} {ttl:?}"
            );
            heartbeat.handle_traffic(start + n * expected);
            heartbeat.handle_written(start + n * expected);
            heartbeat.handle_traffic(start + n * expected);
        }
    }
}

#[test]
fn our_ttl_is_announced_in_tenths_of_a_second_and_never_wraps_at_libzmq() {
    for (ttl, announced) in [(Duration::from_millis(250), 2), (65 * SECOND, 650), (70 * SECOND, 655)] {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig { ttl, ..every(SECOND) }, start);
        assert_eq!(heartbeat.poll(start + SECOND), HeartbeatAction::Ping(ping(announced)));
    }
}
