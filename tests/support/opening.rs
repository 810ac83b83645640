//! Openings of tests: a socket of ours, bound or connected, and a scripted peer that has done the handshake.

use enfonet::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};

use crate::{Runtime, Script, ScriptListener};

/// A socket of ours of any type, as far as an opening needs it.
pub trait Socket {
    /// Binds the socket to a free TCP port, and returns the endpoint.
    fn bind_anywhere(&self, runtime: &Runtime) -> String;

    /// Connects the socket to an endpoint.
    fn connect_to(&self, endpoint: &str);
}

macro_rules! sockets {
    ($($socket:ident)*) => {
        $(impl Socket for $socket {
            fn bind_anywhere(&self, runtime: &Runtime) -> String {
                runtime.run(self.bind("tcp://127.0.0.1:*")).expect("a free port").to_string()
            }

            fn connect_to(&self, endpoint: &str) {
                self.connect(endpoint).expect("a valid endpoint");
            }
        })*
    };
}

sockets! { Dealer Pair Pub Pull Push Rep Req Router Sub XPub XSub }

/// Binds a socket of ours on a new runtime, and returns both with a ZMTP 3.1 peer of type `peer` after the handshake.
#[must_use]
pub fn bound<S: Socket>(socket: S, peer: &str) -> (Runtime, S, Script) {
    let runtime = Runtime::new();
    let script = runtime.bind_to_peer(&socket, peer);
    (runtime, socket, script)
}

/// Connects a socket of ours on a new runtime, and returns both with a ZMTP 3.1 peer of type `peer` after the
/// handshake.
#[must_use]
pub fn connected<S: Socket>(socket: S, peer: &str) -> (Runtime, S, Script) {
    let runtime = Runtime::new();
    let script = runtime.connect_to_peer(&socket, peer, 1);
    (runtime, socket, script)
}

impl Runtime {
    /// Binds a socket of ours to a free TCP port, and returns the endpoint.
    pub fn bind(&self, socket: &impl Socket) -> String {
        socket.bind_anywhere(self)
    }

    /// Binds a socket of ours, and returns a connected ZMTP 3.1 peer of type `peer` after the handshake.
    pub fn bind_to_peer(&self, socket: &impl Socket, peer: &str) -> Script {
        Script::join(&self.bind(socket), peer, 1)
    }

    /// Connects a socket of ours to a ZMTP 3.`minor` peer of type `peer`, and returns the peer after the handshake.
    pub fn connect_to_peer(&self, socket: &impl Socket, peer: &str, minor: u8) -> Script {
        let mut script = self.connect_to_listener(socket).0;
        script.handshake(peer, minor);
        script
    }

    /// Connects a socket of ours to a scripted listener. Returns the accepted connection before any handshake, and the
    /// listener, where the socket can connect again.
    pub fn connect_to_listener(&self, socket: &impl Socket) -> (Script, ScriptListener) {
        let _guard = self.enter();
        let (listener, at) = ScriptListener::bind();
        socket.connect_to(&at);
        (listener.accept(), listener)
    }
}
