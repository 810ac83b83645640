//! Setup for sockets of ours and of libzmq's that talk to each other.

use enfonet::Options;
pub(crate) use enfonet_tests::{AnySocket, wait_subscribed};
use enfonet_tests::{LibZmq, Library, Runtime, wildcard};
use zmq::SocketType;

/// Pairs of libraries in which one end is ours and the other libzmq's.
pub(crate) const MIXED: [[Library; 2]; 2] =
    [[Library::Ours, Library::Libzmq], [Library::Libzmq, Library::Ours]];

/// Runtime of our sockets and context of libzmq's.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) runtime: Runtime,
    pub(crate) libzmq: LibZmq,
}

impl Setup {
    /// Creates a setup with a runtime of one thread, or of several.
    pub(crate) fn on(one_thread: bool) -> Self {
        let runtime = if one_thread { Runtime::on_one_thread() } else { Runtime::new() };
        Self { runtime, libzmq: LibZmq::new() }
    }

    /// Returns a socket; REQ, DEALER and ROUTER announce `name`.
    pub(crate) fn named(&self, who: Library, kind: SocketType, name: &'static str) -> AnySocket<'_> {
        match who {
            Library::Ours => AnySocket::ours(&self.runtime, kind, Options::default(), name),
            Library::Libzmq => AnySocket::libzmq(&self.runtime, self.libzmq.socket(kind), name),
        }
    }

    /// Returns a socket without an identity.
    pub(crate) fn end(&self, who: Library, kind: SocketType) -> AnySocket<'_> {
        self.named(who, kind, "")
    }

    /// Returns two sockets, the first bound and the second connected to it over TCP.
    pub(crate) fn pair(&self, who: [Library; 2], kinds: [SocketType; 2]) -> [AnySocket<'_>; 2] {
        let [bound, connected] = [0, 1].map(|at| self.end(who[at], kinds[at]));
        connected.connect(&bound.bind(&wildcard("tcp").1));
        [bound, connected]
    }
}
