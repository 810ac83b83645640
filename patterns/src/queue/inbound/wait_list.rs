//! Wait list of receivers: first come, first served.

use std::collections::VecDeque;
use std::task::Waker;

/// Receivers that wait for an arrival. Each arrival takes the waker of one receiver, which then is no longer waiting,
/// so the next arrival takes the waker of the next.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    /// In the order of their ids.
    waiters: VecDeque<(WaiterId, Waker)>,
    last: WaiterId,
}

/// Serial number of a waiting receiver. No id is used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaiterId(u64);

impl WaitList {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Updates the waker of a receiver that still waits, or else adds the receiver at the end. Returns its id.
    pub(crate) fn register(&mut self, id: Option<WaiterId>, waker: &Waker) -> WaiterId {
        if let Some(index) = id.and_then(|id| self.find(id)) {
            self.waiters[index].1.clone_from(waker);
            return self.waiters[index].0;
        }
        self.last.0 += 1;
        self.waiters.push_back((self.last, waker.clone()));
        self.last
    }

    /// Removes a receiver. Returns its waker, or `None` if the waker has been taken already.
    pub(crate) fn remove(&mut self, id: WaiterId) -> Option<Waker> {
        self.waiters.remove(self.find(id)?).map(|(_, waker)| waker)
    }

    /// Removes the first receiver and returns its waker. The caller wakes it once the lock is released.
    #[inline]
    pub(crate) fn pop_waker(&mut self) -> Option<Waker> {
        self.waiters.pop_front().map(|(_, waker)| waker)
    }

    /// Removes all receivers and returns their wakers, in order.
    pub(crate) fn drain_wakers(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.waiters).into_iter().map(|(_, waker)| waker)
    }

    fn find(&self, id: WaiterId) -> Option<usize> {
        self.waiters.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }

    fn wakers<const N: usize>() -> [Waker; N] {
        std::array::from_fn(|_| Arc::new(Nothing).into())
    }

    /// Takes the next waker. Returns its index in `wakers`.
    fn woken(waiters: &mut WaitList, wakers: &[Waker]) -> Option<usize> {
        let waker = waiters.pop_waker()?;
        wakers.iter().position(|other| other.will_wake(&waker))
    }

    #[test]
    fn the_longest_waiting_receiver_is_woken_first_and_once() {
        let (mut waiters, wakers) = (WaitList::default(), wakers::<3>());
        let ids = wakers.each_ref().map(|waker| waiters.register(None, waker));
        assert_eq!(waiters.register(Some(ids[0]), &wakers[0]), ids[0], "it stays where it is");
        for (n, id) in ids.into_iter().enumerate() {
            assert_eq!(woken(&mut waiters, &wakers), Some(n));
            assert!(waiters.remove(id).is_none(), "it has been woken");
        }
        assert_eq!(woken(&mut waiters, &wakers), None);
        assert!(waiters.register(Some(ids[0]), &wakers[0]) > ids[2], "it stands at the end now");
    }

    #[test]
    fn a_removed_receiver_is_not_woken_and_a_replaced_waker_is_used() {
        let (mut waiters, wakers) = (WaitList::default(), wakers::<4>());
        let ids = [0, 1, 2].map(|n| waiters.register(None, &wakers[n]));
        assert!(waiters.remove(ids[0]).is_some_and(|waker| waker.will_wake(&wakers[0])));
        waiters.register(Some(ids[2]), &wakers[3]);
        assert_eq!([(); 3].map(|()| woken(&mut waiters, &wakers)), [Some(1), Some(3), None]);
    }

    #[test]
    fn all_receivers_are_woken_at_the_end() {
        let (mut waiters, wakers) = (WaitList::default(), wakers::<3>());
        for waker in &wakers {
            waiters.register(None, waker);
        }
        let in_order = waiters.drain_wakers().zip(&wakers).filter(|(called, waker)| called.will_wake(waker));
        assert_eq!(in_order.count(), 3);
        assert!(waiters.is_empty());
    }
}
