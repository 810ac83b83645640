//! Where sockets of ours and of libzmq's talk to each other.

use enfonet::Options;
pub(crate) use enfonet_tests::{End, tune_in};
use enfonet_tests::{LibZmq, Library, Runtime, wildcard};
use zmq::SocketType;

/// Both ways to have one end ours and the other libzmq's.
pub(crate) const MIXED: [[Library; 2]; 2] =
    [[Library::Ours, Library::Libzmq], [Library::Libzmq, Library::Ours]];

/// Where both kinds of sockets live.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) libzmq: LibZmq,
}

impl World {
    /// With a runtime of one thread, or of several.
    pub(crate) fn on(one_thread: bool) -> Self {
        let runtime = if one_thread { Runtime::on_one_thread() } else { Runtime::new() };
        Self { runtime, libzmq: LibZmq::new() }
    }

    /// A socket; REQ, DEALER and ROUTER announce `name`.
    pub(crate) fn named(&self, who: Library, kind: SocketType, name: &'static str) -> End<'_> {
        match who {
            Library::Ours => End::ours(&self.runtime, kind, Options::default(), name),
            Library::Libzmq => End::libzmq(&self.runtime, self.libzmq.socket(kind), name),
        }
    }

    /// A socket without an identity.
    pub(crate) fn end(&self, who: Library, kind: SocketType) -> End<'_> {
        self.named(who, kind, "")
    }

    /// Two sockets, the first bound and the second connected to it over TCP.
    pub(crate) fn pair(&self, who: [Library; 2], kinds: [SocketType; 2]) -> [End<'_>; 2] {
        let [bound, connected] = [0, 1].map(|at| self.end(who[at], kinds[at]));
        connected.connect(&bound.bind(&wildcard("tcp").1));
        [bound, connected]
    }
}
