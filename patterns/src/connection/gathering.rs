//! Whether to write what waits, or to see first whether more comes.
//!
//! A write of a few messages costs as much as one of a hundred, for this side and for the peer, and most of all where
//! the messages come from many peers and go to a few: at a broker, or a server. So while messages keep coming, the
//! others who have something to do go first, and the kernel is asked who has sent something. A message on its own,
//! somebody's request or reply, is written at once.

use crate::queue::Load;

/// So often in a row others go first.
const PATIENCE: usize = 3;
/// More than this is worth a write, whatever else comes.
const ENOUGH: usize = 16 << 10;

#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Messages that waited at the last look.
    seen: usize,
    looks: usize,
}

impl Gathering {
    /// Whether more may come to what waits; to be asked again when all others have had their turn. Once it says no, all
    /// that waits is to be taken.
    pub(super) const fn goes_on(&mut self, waiting: Load) -> bool {
        let grows = waiting.messages > self.seen && waiting.messages > 1 && waiting.octets < ENOUGH;
        *self = if grows && self.looks < PATIENCE {
            Self { seen: waiting.messages, looks: self.looks + 1 }
        } else {
            Self { seen: 0, looks: 0 }
        };
        self.looks > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often others go first when so many messages wait at each look.
    fn looks(waiting: &[usize]) -> usize {
        let mut gathering = Gathering::default();
        waiting.iter().take_while(|messages| gathering.goes_on(Load::new(**messages, 0))).count()
    }

    #[test]
    fn a_message_on_its_own_does_not_wait() {
        assert_eq!((looks(&[0]), looks(&[1])), (0, 0));
    }

    #[test]
    fn several_wait_while_more_come_but_not_for_long() {
        assert_eq!(looks(&[2, 2]), 1);
        assert_eq!(looks(&[2, 5, 5]), 2);
        assert_eq!(looks(&[2, 3, 4, 5, 6]), PATIENCE);
    }

    #[test]
    fn much_does_not_wait() {
        let mut gathering = Gathering::default();
        assert!(gathering.goes_on(Load::new(2, ENOUGH - 1)));
        assert!(!gathering.goes_on(Load::new(3, ENOUGH)));
    }

    #[test]
    fn each_write_has_its_own_patience() {
        let mut gathering = Gathering::default();
        for _ in 0..2 {
            assert!((2..).take_while(|n| gathering.goes_on(Load::new(*n, 0))).count() == PATIENCE);
        }
    }
}
