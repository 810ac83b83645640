//! Proof of concurrency: replies that overtake older requests.
//!
//! A worker begins requests in the order of their arrival. So if a reply arrives while `n` older requests are
//! unanswered, the worker has begun all these requests, too: it serves at least `n + 1` requests at the same time.

/// Position of a request among all that a worker got; wraps around.
pub(in crate::slb) type Sequence = u32;

/// Replies that arrived together, and the number of places by which each reply was early.
#[derive(Clone, Copy, Debug)]
pub(in crate::slb) struct Replies {
    /// Position of the request whose reply would be next, if all replies arrived in order.
    next_reply: Sequence,
    count: usize,
    sum: i64,
    max: i64,
}

impl Replies {
    /// Creates a counter for the replies from a position on.
    pub(in crate::slb) const fn after(next_reply: Sequence) -> Self {
        Self { next_reply, count: 0, sum: 0, max: i64::MIN }
    }

    pub(in crate::slb) const fn count(&self) -> usize {
        self.count
    }

    /// Counts the reply to a request. Its lead is at most the number of older requests without a reply.
    pub(in crate::slb) fn push(&mut self, request: Sequence) {
        let lead = i64::from(request.wrapping_sub(self.next_reply).cast_signed());
        self.next_reply = self.next_reply.wrapping_add(1);
        self.count += 1;
        self.sum += lead;
        self.max = self.max.max(lead);
    }

    /// Counts a reply that can't be attributed to a request, as if it were the next reply in order.
    pub(in crate::slb) fn push_unattributed(&mut self) {
        self.push(self.next_reply);
    }

    /// Returns the position of the request whose reply would be next, if all replies arrived in order.
    pub(super) const fn next_reply(&self) -> Sequence {
        self.next_reply
    }

    /// Adds replies that arrived later.
    pub(super) fn add(&mut self, later: &Self) {
        self.next_reply = later.next_reply;
        self.count += later.count;
        self.sum += later.sum;
        self.max = self.max.max(later.max);
    }

    /// Returns the number of requests that the worker provably served at the same time.
    ///
    /// The mean lead is subtracted: it is the lead of replies in order, zero or the number of requests that the
    /// worker never answered.
    pub(super) fn concurrency(&self) -> usize {
        let Ok(count @ 1..) = i64::try_from(self.count) else { return 1 };
        usize::try_from(self.max - self.sum.div_euclid(count)).unwrap_or(0) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concurrency(first: Sequence, requests: &[Sequence]) -> usize {
        let mut replies = Replies::after(first);
        requests.iter().for_each(|request| replies.push(first.wrapping_add(*request)));
        replies.concurrency()
    }

    #[test]
    fn replies_in_order_prove_no_concurrency() {
        for first in [0, 7, u32::MAX - 2] {
            assert_eq!(concurrency(first, &[]), 1);
            assert_eq!(concurrency(first, &[0, 1, 2, 3, 4]), 1);
        }
    }

    #[test]
    fn a_reply_that_overtakes_older_requests_proves_that_they_were_being_served() {
        for first in [0, 7, u32::MAX - 2] {
            assert_eq!(concurrency(first, &[3, 0, 1, 2]), 4);
            assert_eq!(concurrency(first, &[1, 0, 3, 2, 5, 4]), 2);
        }
    }

    #[test]
    fn requests_without_a_reply_do_not_count_as_being_served() {
        assert_eq!(concurrency(0, &[5, 6, 7, 8, 9, 10]), 1);
        assert_eq!(concurrency(0, &[5, 7, 6, 8, 10, 9]), 2);
    }

    #[test]
    fn replies_counted_in_two_parts_prove_the_same_concurrency() {
        let requests = [1, 0, 3, 7, 2, 4, 9, 5, 6, 8];
        for cut in 0..=requests.len() {
            let mut replies = Replies::after(0);
            requests[..cut].iter().for_each(|request| replies.push(*request));
            let mut later = Replies::after(replies.next_reply());
            requests[cut..].iter().for_each(|request| later.push(*request));
            replies.add(&later);
            assert_eq!((replies.count(), replies.next_reply()), (10, 10));
            assert_eq!(replies.concurrency(), concurrency(0, &requests), "cut at {cut}");
        }
    }
}
