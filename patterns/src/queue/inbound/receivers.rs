//! Wait list of receivers: first come, first served.

use std::collections::VecDeque;
use std::task::Waker;

/// Receivers that wait for an arrival. A called receiver leaves the line, so the next arrival calls the next receiver.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    /// In the order of their places.
    line: VecDeque<(Place, Waker)>,
    last: Place,
}

/// Place of a receiver in line. No place is given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

impl Receivers {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Updates the waker of a receiver that stands in line, or else adds the receiver at the end. Returns its place.
    pub(crate) fn wait(&mut self, place: Option<Place>, waker: &Waker) -> Place {
        if let Some(index) = place.and_then(|place| self.find(place)) {
            self.line[index].1.clone_from(waker);
            return self.line[index].0;
        }
        self.last.0 += 1;
        self.line.push_back((self.last, waker.clone()));
        self.last
    }

    /// Removes a receiver from the line. Returns its waker, or `None` if it has been called.
    pub(crate) fn leave(&mut self, place: Place) -> Option<Waker> {
        self.line.remove(self.find(place)?).map(|(_, waker)| waker)
    }

    /// Removes the first receiver and returns its waker. The caller wakes it once the lock is released.
    #[inline]
    pub(crate) fn call(&mut self) -> Option<Waker> {
        self.line.pop_front().map(|(_, waker)| waker)
    }

    /// Removes all receivers and returns their wakers, in order.
    pub(crate) fn call_all(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.line).into_iter().map(|(_, waker)| waker)
    }

    fn find(&self, place: Place) -> Option<usize> {
        self.line.binary_search_by_key(&place, |(place, _)| *place).ok()
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

    /// Calls the next receiver. Returns the index of its waker in `wakers`.
    fn called(receivers: &mut Receivers, wakers: &[Waker]) -> Option<usize> {
        let waker = receivers.call()?;
        wakers.iter().position(|other| other.will_wake(&waker))
    }

    #[test]
    fn who_waits_longest_is_called_first_and_once() {
        let (mut receivers, wakers) = (Receivers::default(), wakers::<3>());
        let places = wakers.each_ref().map(|waker| receivers.wait(None, waker));
        assert_eq!(receivers.wait(Some(places[0]), &wakers[0]), places[0], "it stays where it is");
        for (n, place) in places.into_iter().enumerate() {
            assert_eq!(called(&mut receivers, &wakers), Some(n));
            assert!(receivers.leave(place).is_none(), "it has been called");
        }
        assert_eq!(called(&mut receivers, &wakers), None);
        assert!(receivers.wait(Some(places[0]), &wakers[0]) > places[2], "it stands at the end now");
    }

    #[test]
    fn who_leaves_is_not_called_and_who_has_another_waker_is_called_by_that() {
        let (mut receivers, wakers) = (Receivers::default(), wakers::<4>());
        let places = [0, 1, 2].map(|n| receivers.wait(None, &wakers[n]));
        assert!(receivers.leave(places[0]).is_some_and(|waker| waker.will_wake(&wakers[0])));
        receivers.wait(Some(places[2]), &wakers[3]);
        assert_eq!([(); 3].map(|()| called(&mut receivers, &wakers)), [Some(1), Some(3), None]);
    }

    #[test]
    fn all_are_called_at_the_end() {
        let (mut receivers, wakers) = (Receivers::default(), wakers::<3>());
        for waker in &wakers {
            receivers.wait(None, waker);
        }
        let in_order = receivers.call_all().zip(&wakers).filter(|(called, waker)| called.will_wake(waker));
        assert_eq!(in_order.count(), 3);
        assert!(receivers.is_empty());
    }
}
