//! Requests that REP workers have, by token.

use enfonet::peer::PeerId;
use slotmap::{Key, KeyData, SlotMap, new_key_type};

use super::credit::Sequence;

new_key_type! {
    /// Name of a request that a worker has. A broker never uses a token twice.
    struct Token;
}

/// A request that a REP worker has.
#[derive(Clone, Copy, Debug)]
pub(super) struct RepRequest {
    pub(super) client: PeerId,
    pub(super) worker: PeerId,
    /// Position among all requests that the worker got.
    pub(super) sequence: Sequence,
}

/// Requests that REP workers haven't answered.
#[derive(Debug)]
pub(super) struct RepRequests {
    requests: SlotMap<Token, RepRequest>,
    /// Random number before each token. A worker may still have a request of an earlier broker at this endpoint.
    broker_epoch: u64,
}

impl RepRequests {
    pub(super) fn new() -> Self {
        Self { requests: SlotMap::with_key(), broker_epoch: fastrand::u64(..) }
    }

    /// Adds a request, and returns the frame that takes the place of its client's identity.
    pub(super) fn insert(&mut self, request: RepRequest) -> [u8; 16] {
        let token = self.requests.insert(request);
        self.frame(token)
    }

    /// Removes the request that a frame stands for, if this worker has it.
    pub(super) fn remove(&mut self, frame: &[u8], worker: PeerId) -> Option<RepRequest> {
        let token = Token::from(KeyData::from_ffi(u64::from_be_bytes(*frame.last_chunk()?)));
        // Differs if the frame has another broker's epoch, or no token: not every number is a key.
        if *frame != self.frame(token) {
            return None;
        }
        self.requests.get(token).filter(|request| request.worker == worker)?;
        self.requests.remove(token)
    }

    /// Removes the requests of a departed worker, and returns their number.
    pub(super) fn remove_worker(&mut self, worker: PeerId) -> usize {
        let before = self.requests.len();
        self.requests.retain(|_, request| request.worker != worker);
        before - self.requests.len()
    }

    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Returns the client of each request.
    pub(super) fn clients(&self) -> impl Iterator<Item = PeerId> {
        self.requests.values().map(|request| request.client)
    }

    fn frame(&self, token: Token) -> [u8; 16] {
        (u128::from(self.broker_epoch) << 64 | u128::from(token.data().as_ffi())).to_be_bytes()
    }
}
