//! How a REQ waits for its reply.

use std::time::Duration;

use super::{Options, bounded};
use crate::socket::Req;

impl Options<Req> {
    /// Lets a request be sent before the reply to the last one has come, which is abandoned then. Default off: it
    /// fails with [`ReplyPending`](crate::SendError::ReplyPending).
    ///
    /// A reply that comes late from the peer that is asked again can be told from that to the new request only by
    /// [`correlate`](Self::correlate): set both.
    #[must_use]
    pub fn relaxed(mut self, on: bool) -> Self {
        self.settings.relaxed = on;
        self
    }

    /// Sends each request with a number of its own, 4 bytes in a frame before the empty one, and takes no reply
    /// that hasn't the same. [`Rep`](crate::Rep) gives it back; whoever replies by a [`Router`](crate::Router) must
    /// give back all frames up to the empty one. Default off.
    #[must_use]
    pub fn correlate(mut self, on: bool) -> Self {
        self.settings.correlate = on;
        self
    }

    /// How often [`Req::request`] sends a request again, to the next peer, when its peer has gone with it or
    /// [`reply_timeout`](Self::reply_timeout) is over. So it may be carried out more than once. All attempts have the
    /// same number: any but zero implies [`correlate`](Self::correlate), and whichever reply comes first counts.
    /// Default 0.
    #[must_use]
    pub fn retries(mut self, retries: usize) -> Self {
        self.settings.retries = retries;
        self
    }

    /// How long each attempt of [`Req::request`] may take, the wait for a peer with room included. Implies
    /// [`correlate`](Self::correlate). Default: for ever.
    #[must_use]
    pub fn reply_timeout(mut self, timeout: Duration) -> Self {
        self.settings.reply_timeout = Some(bounded(timeout));
        self
    }
}
