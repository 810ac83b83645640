//! Sockets as the two sides of a proxy.

use enfonet_zmtp::{Batch, Message};

use super::next_peer::NextPeer;
use super::receiving::run;
use super::{Dealer, Pair, Pub, Pull, Push, Router, Sub, XPub, XPubEvent, XSub, xpub};
use crate::core::SocketCore;
use crate::error::{Closed, SendError};
use crate::queue::Arrival;
use crate::routing::{Choose, Routing};

/// A socket that a [`Proxy`](crate::proxy::Proxy) can forward from and to. A kind that can't receive, such as PUSH,
/// never yields a message. A kind that can't send, such as PULL, drops messages.
///
/// Messages are as in libzmq: messages of a ROUTER begin with the routing id of the peer, and messages of an XPUB may
/// be subscriptions.
pub trait Relay: crate::options::Kind + Sync {
    /// Waits until the socket can send a message, if its kind can know that before it has the message. Cancel safe.
    #[doc(hidden)]
    fn ready(&self) -> impl Future<Output = Result<(), Closed>> + Send {
        async { Ok(()) }
    }

    /// Receives the next messages, at most `messages`. Cancel safe.
    #[doc(hidden)]
    fn take(&self, messages: usize) -> impl Future<Output = Result<Batch, Closed>> + Send;

    /// Sends messages. Cancel safe: messages that are sent are removed from the batch.
    #[doc(hidden)]
    fn give(&self, batch: &mut Batch) -> impl Future<Output = Result<(), Closed>> + Send;
}

/// Kinds that receive messages as they are, and send them to a peer of their choice.
macro_rules! both_ways {
    ($($kind:ident),*) => {
        $(impl Relay for $kind {
            async fn ready(&self) -> Result<(), Closed> {
                ready(&self.core).await
            }

            async fn take(&self, messages: usize) -> Result<Batch, Closed> {
                take(&self.core, messages).await
            }

            async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
                give(&self.core, batch).await
            }
        })*
    };
}
both_ways!(Dealer, Pair);

impl Relay for Push {
    async fn ready(&self) -> Result<(), Closed> {
        ready(&self.core).await
    }

    async fn take(&self, _messages: usize) -> Result<Batch, Closed> {
        nothing(&self.core).await
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        give(&self.core, batch).await
    }
}

impl Relay for Pull {
    async fn take(&self, messages: usize) -> Result<Batch, Closed> {
        take(&self.core, messages).await
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        *batch = Batch::default();
        Ok(())
    }
}

impl Relay for Router {
    async fn take(&self, messages: usize) -> Result<Batch, Closed> {
        let received = self.core.recv_by(|inbound| {
            loop {
                if let (Arrival::Messages(_, run), Some(peer)) = inbound.pop_known(messages)? {
                    let named = |message: Message| message.with_first(peer.routing_id.clone());
                    return Some(run.map(named).collect());
                }
            }
        });
        received.await.map_err(|_| Closed)
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        one_by_one(&self.core, batch, |message| self.send_routed(message)).await
    }
}

impl Relay for Pub {
    async fn take(&self, _messages: usize) -> Result<Batch, Closed> {
        nothing(&self.core).await
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        one_by_one(&self.core, batch, |message| self.send(message)).await
    }
}

impl Relay for XPub {
    async fn take(&self, _messages: usize) -> Result<Batch, Closed> {
        let message = match self.core.recv_by(xpub::next).await.map_err(|_| Closed)? {
            XPubEvent::Subscription { subscription, .. } => subscription.to_message(),
            XPubEvent::Message { message, .. } => message,
        };
        Ok(message.into())
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        one_by_one(&self.core, batch, |message| self.send(message)).await
    }
}

impl Relay for Sub {
    async fn take(&self, messages: usize) -> Result<Batch, Closed> {
        take(&self.core, messages).await
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        *batch = Batch::default();
        Ok(())
    }
}

impl Relay for XSub {
    async fn take(&self, messages: usize) -> Result<Batch, Closed> {
        take(&self.core, messages).await
    }

    async fn give(&self, batch: &mut Batch) -> Result<(), Closed> {
        one_by_one(&self.core, batch, |message| std::future::ready(self.send(message))).await
    }
}

async fn ready<R: Choose>(core: &SocketCore<R>) -> Result<(), Closed> {
    let look = |out: &mut crate::core::Out<R>| {
        if out.closed { Some(Err(Closed)) } else { out.routing.is_ready(&out.outboxes).then_some(Ok(())) }
    };
    core.until(look).await
}

async fn take<R: Routing>(core: &SocketCore<R>, messages: usize) -> Result<Batch, Closed> {
    let received = core.recv_by(|inbound| run(inbound, messages)).await;
    received.map(|(_, run)| run.into_batch()).map_err(|_| Closed)
}

/// Sends a batch, however long that takes: the options' `send_timeout` doesn't apply to a proxy.
async fn give<R: Choose>(core: &SocketCore<R>, batch: &mut Batch) -> Result<(), Closed> {
    core.wait_for_room(None, || core.push_batch(&mut NextPeer, batch)).await.map_err(|_| Closed)
}

/// Waits until the socket is closed: its kind receives nothing.
async fn nothing<R: Routing>(core: &SocketCore<R>) -> Result<Batch, Closed> {
    core.until(|out| out.closed.then_some(Err(Closed))).await
}

/// Sends one message after the other, and removes each from the batch when it is sent, or can't be sent to any peer.
async fn one_by_one<R, F>(
    core: &SocketCore<R>,
    batch: &mut Batch,
    send: impl Fn(Message) -> F + Send,
) -> Result<(), Closed>
where
    R: Routing,
    F: Future<Output = Result<(), SendError>> + Send,
{
    while let Some(message) = batch.clone().pop_front() {
        let changed = core.changes();
        match send(message).await {
            Err(SendError::Closed(_)) => return Err(Closed),
            Err(SendError::Timeout(_)) => changed.await,
            _ => drop(batch.split_to(1)),
        }
    }
    Ok(())
}
