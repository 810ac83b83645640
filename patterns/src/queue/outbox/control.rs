//! Commands that wait to be written to one peer.

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::Command;

/// Maximum bytes of commands waiting for a peer that doesn't take them. After the next handshake the peer is sent
/// the current subscriptions.
const MAX_CONTROL_BYTES: usize = 64 << 20;
/// Bytes of waiting commands from which PINGs are no longer answered.
const MAX_PENDING_PONG_BYTES: usize = 64 << 10;

/// The waiting commands, encoded. They don't count as messages, but there is a bound on their bytes.
#[derive(Debug)]
pub(super) struct Control {
    commands: BytesMut,
    limit: usize,
}

impl Default for Control {
    fn default() -> Self {
        Self { commands: BytesMut::new(), limit: MAX_CONTROL_BYTES }
    }
}

impl Control {
    /// Returns the buffer that commands are encoded into.
    pub(super) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.commands
    }

    /// Returns whether more commands wait than a peer that reads at all would let pile up.
    pub(super) fn is_overrun(&self) -> bool {
        self.commands.len() > self.limit
    }

    /// Adds the answer to a PING, unless so many wait already that the peer doesn't read them.
    pub(super) fn pong(&mut self, context: &[u8]) {
        if self.commands.len() < MAX_PENDING_PONG_BYTES {
            Command::encode_pong(context, &mut self.commands);
        }
    }

    /// Takes all commands into `taken`, which is empty.
    pub(super) fn take(&mut self, taken: &mut Bytes) {
        if !self.commands.is_empty() {
            *taken = self.commands.split().freeze();
        }
    }

    /// Sets the bound for a new connection. Commands that wait already don't count: they aren't the peer's fault.
    pub(super) fn handle_connect(&mut self) {
        self.limit = self.commands.len() + MAX_CONTROL_BYTES;
    }

    /// Drops the commands of a connection that has ended.
    pub(super) fn handle_disconnect(&mut self) {
        self.commands.clear();
    }
}
