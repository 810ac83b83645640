//! Whether to write what waits, or to see first whether more comes.
//!
//! A write of a few messages costs as much as one of a hundred, for this side and for the peer, and most of all where
//! the messages come from many peers and go to a few: at a broker, or a server. So while messages keep coming, the
//! others who have something to do go first, and the kernel is asked who has sent something. A message on its own,
//! somebody's request or reply, is written at once. Where the others take their time, nothing is gathered for a while.

use std::time::{Duration, Instant};

use crate::queue::Load;

/// So often in a row others go first.
const PATIENCE: usize = 3;
/// More than this is worth a write, whatever else comes.
const ENOUGH: usize = 16 << 10;
/// Others that take longer than this together aren't waited for again ...
const LONG: Duration = Duration::from_micros(500);
/// ... for so long.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Messages that waited at the last look.
    seen: usize,
    looks: usize,
    /// When others went first last.
    since: Option<Instant>,
    /// Others took long then.
    pauses: bool,
}

impl Gathering {
    /// Whether more may come to what waits; to be asked again when all others have had their turn. Once it says no, all
    /// that waits is to be taken. It asks what time it is only if that matters.
    pub(super) fn goes_on(&mut self, waiting: Load, now: impl Fn() -> Instant) -> bool {
        let grows = waiting.messages > self.seen && waiting.messages > 1 && waiting.octets < ENOUGH;
        let may_go_on = grows && self.looks < PATIENCE;
        if self.looks == 0 && !may_go_on {
            return false;
        }
        let now = now();
        let past = self.since.map_or(Duration::MAX, |since| now - since);
        if self.looks > 0 {
            self.pauses = past > LONG;
        }
        let goes_on = may_go_on && (!self.pauses || past > PAUSE);
        if goes_on {
            (self.seen, self.looks, self.since) = (waiting.messages, self.looks + 1, Some(now));
        } else {
            (self.seen, self.looks) = (0, 0);
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often others go first, taking so long, when so many messages wait at each look.
    fn looks(gathering: &mut Gathering, now: &Cell<Instant>, others: Duration, waiting: &[usize]) -> usize {
        let goes_on = |messages: &&usize| {
            let goes_on = gathering.goes_on(Load::new(**messages, 0), || now.get());
            now.set(now.get() + others);
            goes_on
        };
        waiting.iter().take_while(goes_on).count()
    }

    fn quick(waiting: &[usize]) -> usize {
        looks(&mut Gathering::default(), &Cell::new(Instant::now()), LONG / 2, waiting)
    }

    #[test]
    fn a_message_on_its_own_does_not_wait() {
        assert_eq!((quick(&[0]), quick(&[1])), (0, 0));
    }

    #[test]
    fn several_wait_while_more_come_but_not_for_long() {
        assert_eq!(quick(&[2, 2]), 1);
        assert_eq!(quick(&[2, 5, 5]), 2);
        assert_eq!(quick(&[2, 3, 4, 5, 6]), PATIENCE);
    }

    #[test]
    fn much_does_not_wait() {
        let mut gathering = Gathering::default();
        assert!(gathering.goes_on(Load::new(2, ENOUGH - 1), Instant::now));
        assert!(!gathering.goes_on(Load::new(3, ENOUGH), Instant::now));
    }

    #[test]
    fn each_write_has_its_own_patience() {
        let (mut gathering, now) = (Gathering::default(), Cell::new(Instant::now()));
        for _ in 0..2 {
            assert_eq!(looks(&mut gathering, &now, LONG, &[2, 3, 4, 5, 6]), PATIENCE);
        }
    }

    #[test]
    fn others_that_take_long_are_not_waited_for_again_for_a_while() {
        let (mut gathering, now) = (Gathering::default(), Cell::new(Instant::now()));
        assert_eq!(looks(&mut gathering, &now, LONG * 2, &[2, 3, 4]), 1);
        assert_eq!(looks(&mut gathering, &now, LONG / 2, &[2, 3, 4]), 0);
        now.set(now.get() + PAUSE);
        assert_eq!(looks(&mut gathering, &now, LONG / 2, &[2, 3, 3]), 2);
        assert_eq!(looks(&mut gathering, &now, LONG / 2, &[2, 3, 3]), 2);
    }
}
