//! Message queues: to one peer ([`Outbox`]) and from all peers ([`Inbound`]), bounded in messages and in bytes.

mod inbound;
mod outbox;
mod outgoing;
mod run;

use std::collections::VecDeque;

pub(crate) use inbound::{Arrival, IdleEnd, Inbound, InboundConfig, Joins, ReadPosition, WaiterId};
pub(crate) use outbox::{AbortCause, EndMode, Outbox, Taken, WriteReport};
pub(crate) use outgoing::{Outgoing, Recipients};
pub(crate) use run::Run;

/// Moves the first entry of a queue to the end, at no cost if it is the only entry.
#[inline]
pub(crate) fn rotate_front<T>(queue: &mut VecDeque<T>) {
    if queue.len() > 1 {
        queue.rotate_left(1);
    }
}
