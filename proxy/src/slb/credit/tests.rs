use std::time::Duration;

use proptest::prelude::*;

use super::simulation::{Simulation, Worker};
use super::*;
use crate::tuning::MAX_CREDIT_REQUESTS;

const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns random service times, the same in each test run.
fn one_of(times: &'static [u64]) -> impl FnMut(Duration) -> Duration + 'static {
    let mut random = fastrand::Rng::with_seed(7);
    move |_| us(times[random.usize(..times.len())])
}

/// Returns the rate of a worker without a limit, after it has warmed up.
fn best(worker: Worker, demand: usize) -> f64 {
    let mut simulation = Simulation::new(worker, demand, Some(MAX_CREDIT_REQUESTS));
    simulation.run(ms(2_000));
    simulation.run(ms(20_000)).rate()
}

/// Compares a worker with its optimum: at least nine tenths of the rate from the second second on, and at most `most`
/// requests in flight on average.
#[track_caller]
fn expect_optimum(worker: impl Fn() -> Worker, demand: usize, most: f64) {
    let best = best(worker(), demand);
    let mut simulation = Simulation::new(worker(), demand, None);
    simulation.run(ms(1_000));
    let (second, later) = (simulation.run(ms(4_000)), simulation.run(ms(20_000)));
    for outcome in [&second, &later] {
        assert!(outcome.rate() >= 0.9 * best, "{:.0} of {best:.0} a second", outcome.rate());
    }
    assert!(later.mean_in_flight() <= most, "{:.1} in flight", later.mean_in_flight());
}

#[test]
fn the_credit_of_a_serial_worker_is_four_milliseconds_of_work_or_one_request() {
    expect_optimum(|| Worker::new(1, us(50), us(10)), 1000, 420.0);
    expect_optimum(|| Worker::new(1, us(50), ms(1)), 64, 5.0);
    expect_optimum(|| Worker::new(1, us(50), ms(100)), 64, 1.2);
}

#[test]
fn the_credit_of_a_distant_worker_covers_its_latency() {
    for distance in [1, 5, 20] {
        expect_optimum(|| Worker::new(1, ms(distance), us(4)), 64, 64.0);
    }
    expect_optimum(|| Worker::new(1, ms(20), ms(10)), 64, 6.0);
    expect_optimum(|| Worker::new(1, ms(20), us(20)), 5000, 3000.0);
}

#[test]
fn the_credit_of_a_concurrent_worker_is_its_concurrency() {
    expect_optimum(|| Worker::new(64, us(50), ms(50)), 64, 64.0);
    expect_optimum(|| Worker::new(64, us(50), ms(5)), 64, 64.0);
    expect_optimum(|| Worker::new(4, us(50), ms(100)), 64, 6.0);
    expect_optimum(|| Worker::new(100, us(50), ms(50)), 1000, 160.0);
    expect_optimum(|| Worker::new(8, ms(1), ms(2)), 64, 20.0);
    expect_optimum(|| Worker::new(64, ms(20), ms(5)), 1000, 420.0);
}

#[test]
fn varying_service_times_neither_hide_nor_feign_concurrency() {
    const SELDOM_LONG: &[u64] = &[1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 50_000];
    const HALF_LONG: &[u64] = &[1_000, 100_000];
    expect_optimum(|| Worker::varying(64, us(50), one_of(HALF_LONG)), 64, 64.0);
    expect_optimum(|| Worker::varying(16, ms(1), one_of(SELDOM_LONG)), 256, 60.0);
    expect_optimum(|| Worker::varying(1, us(50), one_of(SELDOM_LONG)), 64, 3.0);
    expect_optimum(|| Worker::varying(1, us(50), one_of(HALF_LONG)), 64, 2.5);
    expect_optimum(|| Worker::varying(1, ms(5), one_of(&[500, 1_000, 1_500])), 64, 16.0);
}

#[test]
fn a_slow_serial_worker_has_at_most_two_requests() {
    let mut simulation = Simulation::new(Worker::new(1, us(50), ms(100)), 64, None);
    let outcome = simulation.run(ms(60_000));
    assert!(outcome.share_within(2) >= 0.95, "{:.3}", outcome.share_within(2));
    assert!(outcome.share_within(1) >= 0.7, "{:.3}", outcome.share_within(1));
}

#[test]
fn credit_starts_at_one_and_doubles_each_round() {
    let (mut credit, mut now) = (Credit::new(None), Instant::now());
    let mut limits = vec![credit.limit()];
    while limits.len() < 6 {
        let requests = credit.limit();
        credit.record_sent(requests, now);
        now += us(100);
        reply(&mut credit, requests, now);
        if credit.limit() != requests {
            limits.push(credit.limit());
        }
    }
    assert_eq!(limits, [1, 2, 4, 8, 16, 32]);
}

/// Lets a worker reply to its oldest requests.
fn reply(credit: &mut Credit, count: usize, now: Instant) {
    let mut replies = credit.start_replies();
    (0..count).for_each(|_| replies.push_unattributed());
    credit.record_replies(&replies, now);
}

#[test]
fn a_stall_of_the_broker_costs_half_of_the_credit_at_most_and_only_for_a_while() {
    for (worker, number) in [(Worker::new(1, us(50), us(10)), 400), (Worker::new(64, us(50), ms(50)), 64)] {
        let mut simulation = Simulation::new(worker, 1000, None).stalled([ms(3_000)..ms(4_000)]);
        simulation.run(ms(2_900));
        let before = simulation.limit();
        assert!(before >= number, "{before}");
        let mut least = before;
        simulation.run(ms(1_099));
        for _ in 0..500 {
            simulation.run(us(20));
            least = least.min(simulation.limit());
        }
        assert!(least >= before / 2, "{least} of {before}");
        simulation.run(ms(500));
        assert!(simulation.limit() >= number, "{}", simulation.limit());
    }
}

#[test]
fn a_broker_that_stalls_again_and_again_keeps_its_workers_busy() {
    let stalls = || (0..10_000).map(|n| ms(5 * n)..ms(5 * n + 2));
    for worker in [
        || Worker::new(1, us(50), us(10)),
        || Worker::new(64, us(50), ms(50)),
        || Worker::new(1, ms(5), us(10)),
    ] {
        let mut unlimited = Simulation::new(worker(), 64, Some(MAX_CREDIT_REQUESTS)).stalled(stalls());
        let mut simulation = Simulation::new(worker(), 64, None).stalled(stalls());
        for simulation in [&mut unlimited, &mut simulation] {
            simulation.run(ms(3_000));
        }
        let (best, rate) = (unlimited.run(ms(10_000)).rate(), simulation.run(ms(10_000)).rate());
        assert!(rate >= 0.9 * best, "{rate:.0} of {best:.0} a second");
    }
}

#[test]
fn the_credit_of_a_slowed_worker_falls_soon() {
    let turning = |now: Duration| if now < ms(1_000) { us(10) } else { ms(50) };
    let mut simulation = Simulation::new(Worker::varying(1, us(50), turning), 5_000, None);
    simulation.run(ms(1_000));
    assert!(simulation.limit() >= 400);
    simulation.run(ms(2_000));
    assert!(simulation.limit() <= 2, "{}", simulation.limit());
}

#[test]
fn the_credit_follows_the_number_of_handlers_of_a_worker() {
    for (handlers, later) in [(64, 2), (2, 64)] {
        let mut simulation = Simulation::new(Worker::new(handlers, us(50), ms(20)), 64, None);
        simulation.run(ms(5_000));
        simulation.set_handlers(later);
        simulation.run(ms(20_000));
        let outcome = simulation.run(ms(5_000));
        assert!(outcome.rate() >= 0.9 * later as f64 / 0.020, "{:.0} a second", outcome.rate());
        assert!(outcome.mean_in_flight() <= later as f64 * 2.0, "{:.1}", outcome.mean_in_flight());
    }
}

#[test]
fn a_concurrent_worker_whose_service_takes_ten_times_as_long_keeps_its_credit() {
    let turning = |now: Duration| if now < ms(2_000) { ms(5) } else { ms(50) };
    let mut simulation = Simulation::new(Worker::varying(64, us(50), turning), 64, None);
    simulation.run(ms(4_000));
    let rate = simulation.run(ms(10_000)).rate();
    assert!(rate >= 0.9 * 1_280.0, "{rate:.0} a second");
}

#[test]
fn a_hung_worker_gets_no_more_requests() {
    let hanging = |now: Duration| if now < ms(1_000) { ms(5) } else { Duration::from_secs(1 << 20) };
    let mut simulation = Simulation::new(Worker::varying(1, us(50), hanging), 64, None);
    simulation.run(ms(1_100));
    let limit = simulation.limit();
    assert!(limit <= 2, "{limit}");
    assert_eq!(simulation.run(ms(100_000)).rate(), 0.0);
    assert_eq!(simulation.limit(), limit);
}

#[test]
fn low_demand_leaves_the_credit_unchanged() {
    let mut simulation = Simulation::new(Worker::new(64, us(50), ms(20)), 64, None);
    simulation.run(ms(5_000));
    simulation.set_demand(1);
    simulation.run(ms(10_000));
    assert!(simulation.limit() >= 64, "{}", simulation.limit());
}

#[test]
fn the_idle_time_of_a_worker_is_not_service_time() {
    let (mut credit, start) = (Credit::new(None), Instant::now());
    for n in 0..100 {
        let now = start + Duration::from_secs(n);
        credit.record_sent(1, now);
        reply(&mut credit, 1, now + us(10));
    }
    assert_eq!(credit.burst(), 15);
}

#[test]
fn requests_sent_to_a_busy_worker_do_not_hide_its_service_time() {
    let (mut credit, mut now) = (Credit::new(None), Instant::now());
    credit.record_sent(1, now);
    for _ in 0..100 {
        for _ in 0..10 {
            now += us(5);
            credit.record_sent(1, now);
        }
        reply(&mut credit, 10, now);
    }
    assert_eq!(credit.burst(), 30, "5 us each");
}

#[test]
fn a_burst_is_150_us_of_work_or_one_request() {
    assert_eq!(Credit::new(None).burst(), 1);
    for (micros, burst) in [(1, 150), (5, 30), (10, 15), (100, 1), (100_000, 1)] {
        let (mut credit, mut now) = (Credit::new(None), Instant::now());
        for _ in 0..500 {
            let requests = credit.limit();
            credit.record_sent(requests, now);
            now += us(micros) * u32::try_from(requests).unwrap();
            reply(&mut credit, requests, now);
        }
        assert_eq!(credit.burst(), burst, "of {micros} us each");
    }
}

#[test]
fn an_announced_capacity_is_the_credit_at_once_and_remains() {
    let slow = || Worker::new(1, us(50), ms(100));
    let mut simulation = Simulation::new(slow(), 1000, Some(16));
    assert_eq!(simulation.limit(), 16);
    simulation.run(ms(100));
    for _ in 0..100 {
        simulation.run(ms(600));
        assert!((16..=32).contains(&simulation.limit()), "{}", simulation.limit());
    }
}

#[test]
fn the_credit_exceeds_the_announced_capacity_only_to_cover_the_latency() {
    for (worker, most) in [(Worker::new(4, us(50), ms(10)), 6.0), (Worker::new(4, ms(20), ms(10)), 22.0)] {
        let mut simulation = Simulation::new(worker, 1000, Some(4));
        simulation.run(ms(3_000));
        let outcome = simulation.run(ms(20_000));
        assert!(outcome.rate() >= 0.9 * 400.0, "{:.0} a second", outcome.rate());
        assert!(outcome.mean_in_flight() <= most, "{:.1} in flight", outcome.mean_in_flight());
    }
    // A fast worker that wants one request at a time gets no queue for free.
    let mut simulation = Simulation::new(Worker::new(1, Duration::ZERO, us(10)), 1000, Some(1));
    simulation.run(ms(1_000));
    let outcome = simulation.run(ms(1_000));
    assert!(outcome.mean_in_flight() <= 1.5, "{:.1} in flight", outcome.mean_in_flight());
}

proptest! {
    #[test]
    fn the_limit_is_never_below_the_announced_capacity_nor_above_the_bound(
        capacity in prop::option::of(1usize..70_000),
        steps in prop::collection::vec((0usize..70_000, 0u64..10_000_000, any::<u32>()), 0..300),
    ) {
        let (mut credit, mut now) = (Credit::new(capacity), Instant::now());
        for (count, nanos, request) in steps {
            now += Duration::from_nanos(nanos);
            if request % 2 == 0 {
                credit.record_sent(count, now);
            } else {
                let mut replies = credit.start_replies();
                replies.push(request);
                (0..count % 100).for_each(|_| replies.push_unattributed());
                credit.record_replies(&replies, now);
            }
            let min_limit = capacity.unwrap_or(1).min(MAX_CREDIT_REQUESTS);
            prop_assert!((min_limit..=MAX_CREDIT_REQUESTS).contains(&credit.limit()), "{}", credit.limit());
            prop_assert!(credit.burst() >= 1);
        }
    }
}
