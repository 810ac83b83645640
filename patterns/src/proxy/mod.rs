//! A proxy between two sockets, for applications that compose brokers of their own.

mod control;

use tokio::sync::watch;

use crate::error::Closed;
pub use crate::socket::Relay;
use crate::tuning::PROXY_BURST_MESSAGES;
pub use control::{Control, Statistics, Traffic};
use control::{Counters, State};
use enfonet_zmtp::Batch;

/// Passes messages between two sockets, both ways, until one of them is closed: as libzmq's `zmq_proxy`. [`Proxy`] can
/// be paused and ended, copies messages to a third socket, and counts them.
///
/// ```
/// use enfonet::{Dealer, Rep, Req, Router};
/// use enfonet::proxy::proxy;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (clients, workers) = (Router::new(), Dealer::new());
/// let (front, back) = (clients.bind("tcp://127.0.0.1:*").await?, workers.bind("inproc://workers").await?);
/// tokio::spawn(async move { proxy(&clients, &workers).await });
///
/// let worker = Rep::new();
/// worker.connect(back)?;
/// tokio::spawn(async move { worker.recv().await.unwrap().reply("world") });
/// let client = Req::new();
/// client.connect(front)?;
/// assert_eq!(client.request("hello").await?, "world");
/// # Ok(())
/// # }
/// ```
pub async fn proxy(front: &impl Relay, back: &impl Relay) {
    Proxy::new(front, back).run().await;
}

/// A proxy between two sockets. A third socket may get a copy of every message. A [`Control`] pauses, resumes and ends
/// the proxy, and returns its statistics (libzmq's `zmq_proxy_steerable`).
///
/// | front | back | makes a |
/// |---|---|---|
/// | ROUTER | DEALER | queue of requests |
/// | XSUB | XPUB | forwarder of publications, and of subscriptions the other way |
/// | PULL | PUSH | streamer of work |
///
/// The sockets may be any two [`Relay`]s. A direction that a socket doesn't support is left out: nothing is sent to a
/// PULL. A message is only received when the other socket has room for a message, so peers that send too much have to
/// wait. Sockets that drop messages at their high-water mark (PUB, XPUB unless it is `nodrop`, ROUTER unless it is
/// `mandatory`) do so here, too. The brokers of `enfonet-proxy` are made for speed and for misbehaving peers, this
/// proxy for any pair of sockets.
///
/// ```
/// use enfonet::{Pub, Pull, Push, Sub};
/// use enfonet::proxy::Proxy;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (work, workers, copies) = (Pull::new(), Push::new(), Push::new());
/// copies.connect("inproc://copies")?;
/// let watcher = Pull::new();
/// watcher.bind("inproc://copies").await?;
/// let (front, back) = (work.bind("inproc://work").await?, workers.bind("inproc://workers").await?);
///
/// let proxy = Proxy::new(&work, &workers).capture(&copies);
/// let control = proxy.control();
/// let (source, worker) = (Push::new(), Pull::new());
/// source.connect(front)?;
/// worker.connect(back)?;
/// let using = async {
///     source.send("task").await?;
///     assert_eq!(worker.recv().await?, "task");
///     assert_eq!(watcher.recv().await?, "task");
///     assert_eq!(control.statistics().front.received.messages, 1);
///     control.terminate();
///     Ok::<_, Box<dyn std::error::Error>>(())
/// };
/// let (leftover, used) = tokio::join!(proxy.run(), using);
/// assert!(leftover.to_back.is_empty());
/// # used
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy<'a, F, B, C = F> {
    front: &'a F,
    back: &'a B,
    capture: Option<&'a C>,
    control: Control,
}

/// Messages that a proxy had received and not sent when it ended.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Leftover {
    /// Messages for the back socket.
    pub to_back: Batch,
    /// Messages for the front socket.
    pub to_front: Batch,
}

impl<'a, F: Relay, B: Relay> Proxy<'a, F, B> {
    /// Creates a proxy between these two sockets.
    #[must_use]
    pub fn new(front: &'a F, back: &'a B) -> Self {
        Self { front, back, capture: None, control: Control::default() }
    }
}

impl<'a, F: Relay, B: Relay, C: Relay> Proxy<'a, F, B, C> {
    /// Sets a socket that gets a copy of every message in both directions, before the message is passed on. If the
    /// socket has no room, the whole proxy waits. A PUB drops messages that no subscriber wants.
    #[must_use]
    pub fn capture<D: Relay>(self, socket: &'a D) -> Proxy<'a, F, B, D> {
        Proxy { front: self.front, back: self.back, capture: Some(socket), control: self.control }
    }

    /// Returns a handle that steers the proxy, from anywhere and at any time.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Passes messages on until one of the sockets is closed, or the proxy is [terminated](Control::terminate). Returns
    /// the messages that it has received and not sent. Dropping the future ends the proxy too, and loses these
    /// messages.
    pub async fn run(self) -> Leftover {
        let mut leftover = Leftover::default();
        let mut terminated = self.control.subscribe();
        let [to_back, to_front] = self.control.counters();
        tokio::select! {
            _ = self.pass(self.front, self.back, &mut leftover.to_back, to_back) => {}
            _ = self.pass(self.back, self.front, &mut leftover.to_front, to_front) => {}
            _ = terminated.wait_for(|state| *state == State::Terminated) => {}
        }
        for (counters, rest) in [(to_back, &leftover.to_back), (to_front, &leftover.to_front)] {
            counters.settle(rest.len(), rest.wire_len());
        }
        leftover
    }

    /// Passes messages in one direction. `hand` holds the messages received and not yet sent, even if this future is
    /// dropped.
    async fn pass(
        &self,
        from: &impl Relay,
        to: &impl Relay,
        hand: &mut Batch,
        counters: &Counters,
    ) -> Result<(), Closed> {
        let mut state = self.control.subscribe();
        loop {
            if state.wait_for(|state| *state == State::Running).await.is_err() {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = paused(&mut state) => continue,
                received = receive(from, to) => *hand = received?,
            }
            let (messages, bytes) = (hand.len(), hand.wire_len());
            counters.received(messages, bytes);
            if let Some(capture) = self.capture {
                capture.give(&mut hand.clone()).await?;
            }
            to.give(hand).await?;
            counters.sent(messages, bytes);
        }
    }
}

/// Receives a batch as soon as the other socket has room for a message.
async fn receive(from: &impl Relay, to: &impl Relay) -> Result<Batch, Closed> {
    to.ready().await?;
    from.take(PROXY_BURST_MESSAGES).await
}

async fn paused(state: &mut watch::Receiver<State>) {
    // The wait can't fail: the waiting proxy holds the sender.
    let _ = state.wait_for(|state| *state != State::Running).await;
}
