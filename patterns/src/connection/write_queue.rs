//! Write queue of a connection: the messages and commands that it has taken, in pieces for vectored writes.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{CurveError, Sealer, Span};
use smallvec::{SmallVec, smallvec};

use crate::queue::{Run, Taken};
use crate::size::Size;
use crate::tuning::{MAX_KEPT_SEALED_BYTES, MAX_PIECES_PER_WRITE, SEALED_BYTES};

/// The messages and commands that a connection has taken from its socket, until they are written.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    entries: VecDeque<PendingWrite>,
    /// Number of pieces of the first entry that are written whole.
    piece: usize,
    /// Number of bytes of the next piece that are written.
    written: usize,
    /// Number of entries that are commands.
    control_entries: usize,
    /// Whether a PING was written whole since the last [`take_written_ping`](Self::take_written_ping).
    has_written_ping: bool,
    /// Buffers of written runs, for the socket to use again.
    spare: Vec<BytesMut>,
    sealer: Option<Sealer>,
    /// Buffer of encrypted frames. It is used again once they are written.
    sealed: BytesMut,
}

/// A part of the queue that ends at a message boundary.
#[derive(Debug)]
struct PendingWrite {
    /// Pieces to write. With encryption there are none until the entry is encrypted.
    pieces: SmallVec<[Bytes; 2]>,
    payload: Payload,
}

/// The content of an entry.
#[derive(Debug)]
enum Payload {
    /// Our READY: written in clear, and before all else.
    Ready(Bytes),
    Commands(Bytes),
    Ping(Bytes),
    Run(Run),
}

impl Payload {
    /// Returns the pieces to write without encryption.
    fn to_pieces(&self) -> SmallVec<[Bytes; 2]> {
        match self {
            Self::Ready(frames) | Self::Commands(frames) | Self::Ping(frames) => smallvec![frames.clone()],
            Self::Run(run) => run.to_pieces(),
        }
    }
}

impl WriteQueue {
    /// Creates a queue that begins with our READY, unless that is empty. All that follows is encrypted if there is a
    /// sealer.
    pub(super) fn new(ready: Bytes, sealer: Option<Sealer>) -> Self {
        let mut queue = Self { sealer, ..Self::default() };
        if !ready.is_empty() {
            let payload = Payload::Ready(ready);
            queue.entries.push_back(PendingWrite { pieces: payload.to_pieces(), payload });
        }
        queue
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns whether commands wait to be written.
    pub(super) const fn has_control(&self) -> bool {
        self.control_entries > 0
    }

    /// Queues staged messages and commands. Commands overtake messages at the next message boundary.
    pub(super) fn extend(&mut self, taken: &mut Taken) {
        if !taken.control.is_empty() {
            self.push_control(Payload::Commands(std::mem::take(&mut taken.control)));
        }
        while let Some(run) = taken.runs.pop_front() {
            let entry = self.entry(Payload::Run(run));
            self.entries.push_back(entry);
        }
    }

    /// Queues a PING at the next message boundary.
    pub(super) fn push_ping(&mut self, frame: Bytes) {
        self.push_control(Payload::Ping(frame));
    }

    /// Queues commands at the next message boundary.
    fn push_control(&mut self, payload: Payload) {
        let entry = self.entry(payload);
        self.entries.insert(self.boundary(), entry);
        self.control_entries += 1;
    }

    /// Returns whether a PING was written whole since the last call.
    pub(super) const fn take_written_ping(&mut self) -> bool {
        std::mem::replace(&mut self.has_written_ping, false)
    }

    fn entry(&self, payload: Payload) -> PendingWrite {
        let pieces = if self.sealer.is_some() { SmallVec::new() } else { payload.to_pieces() };
        PendingWrite { pieces, payload }
    }

    /// Returns the number of entries at the front that can't be overtaken: READY, an entry that is partly written, and
    /// encrypted entries, since nonces have the order of the wire.
    fn boundary(&self) -> usize {
        if self.sealer.is_some() {
            return self.entries.iter().take_while(|entry| !entry.pieces.is_empty()).count();
        }
        let is_ready = |first: &PendingWrite| matches!(first.payload, Payload::Ready(_));
        usize::from(self.piece > 0 || self.written > 0 || self.entries.front().is_some_and(is_ready))
    }

    /// Encrypts the next entries, if all encrypted entries are written. Call before each write.
    pub(super) fn prepare(&mut self) -> Result<(), CurveError> {
        if self.sealer.is_none() || self.boundary() > 0 {
            return Ok(());
        }
        let (entries, room) = self.cut();
        let Some(sealer) = &mut self.sealer else { return Ok(()) };
        // Exactly this size, so that all pieces share a buffer. If the pieces before them are written and dropped,
        // `reserve` gives the same buffer again.
        self.sealed.reserve(room);
        for entry in self.entries.iter_mut().take(entries) {
            match &entry.payload {
                // READY comes before all else, so it is written before anything is encrypted.
                Payload::Ready(_) => continue,
                Payload::Commands(frames) | Payload::Ping(frames) => {
                    sealer.seal_frames(frames, &mut self.sealed)?;
                }
                Payload::Run(Run::Wire(batch)) => sealer.seal(batch, &mut self.sealed)?,
                Payload::Run(Run::Large(message)) => sealer.seal_message(message, &mut self.sealed)?,
            }
            entry.pieces.push(self.sealed.split().freeze());
        }
        if self
            .entries
            .front()
            .is_some_and(|entry| entry.pieces.iter().any(|piece| piece.len() > MAX_KEPT_SEALED_BYTES))
        {
            self.sealed = BytesMut::new();
        }
        Ok(())
    }

    /// Cuts the runs so that the next entries have about [`SEALED_BYTES`]. Returns their number, and the bytes that
    /// they take when encrypted.
    fn cut(&mut self) -> (usize, usize) {
        let (mut entries, mut room, mut left) = (0, 0, SEALED_BYTES);
        while let Some(entry) = self.entries.get_mut(entries) {
            let mut rest = Run::default();
            match &mut entry.payload {
                Payload::Ready(_) => {}
                Payload::Commands(frames) | Payload::Ping(frames) => room += Sealer::sealed_len(frames),
                Payload::Run(run) => {
                    let (messages, bytes) = run.fitting(left);
                    if messages == 0 && entries > 0 {
                        break;
                    }
                    let now = run.split_to(messages.max(1));
                    rest = std::mem::replace(run, now);
                    // For a large message the sealer makes room.
                    if let Run::Wire(batch) = run {
                        room += Sealer::sealed_len(batch.wire());
                    }
                    left = left.saturating_sub(bytes);
                }
            }
            entries += 1;
            if !rest.is_empty() {
                let rest = self.entry(Payload::Run(rest));
                self.entries.insert(entries, rest);
                break;
            }
        }
        (entries, room)
    }

    /// Frees unused memory of an idle connection.
    pub(super) fn shrink(&mut self) {
        if let Some(sealer) = &mut self.sealer {
            self.sealed = BytesMut::new();
            sealer.shrink();
        }
    }

    /// Calls `write` with the next pieces.
    pub(super) fn with_slices<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let pieces = self.entries.iter().flat_map(|entry| &entry.pieces).skip(self.piece);
        let mut slices: SmallVec<[IoSlice<'_>; MAX_PIECES_PER_WRITE]> =
            pieces.take(MAX_PIECES_PER_WRITE).map(|piece| IoSlice::new(piece)).collect();
        if let Some(first) = slices.first_mut() {
            first.advance(self.written);
        }
        write(&slices)
    }

    /// Advances past written bytes. Returns the messages that are now written completely.
    pub(super) fn advance(&mut self, bytes: usize) -> Size {
        self.written += bytes;
        let mut size = Size::default();
        while let Some(entry) = self.entries.front() {
            let Some(piece) = entry.pieces.get(self.piece) else {
                if entry.pieces.is_empty() {
                    break;
                }
                size.add(self.finish_first());
                continue;
            };
            if self.written < piece.len() {
                break;
            }
            self.written -= piece.len();
            self.piece += 1;
        }
        size
    }

    /// Removes the first entry, which is written. Returns its messages.
    fn finish_first(&mut self) -> Size {
        self.piece = 0;
        match self.entries.pop_front().map(|entry| entry.payload) {
            Some(Payload::Run(run)) => {
                let size = run.size();
                self.spare.extend(run.into_buffer().filter(Taken::is_worth_keeping));
                size
            }
            Some(Payload::Commands(_)) => {
                self.control_entries -= 1;
                Size::default()
            }
            Some(Payload::Ping(_)) => {
                self.control_entries -= 1;
                self.has_written_ping = true;
                Size::default()
            }
            Some(Payload::Ready(_)) | None => Size::default(),
        }
    }

    /// Hands over the buffers that aren't needed here any more.
    pub(super) fn take_spare(&mut self, spare: &mut Vec<BytesMut>) {
        if !self.spare.is_empty() {
            spare.append(&mut self.spare);
        }
    }

    /// Returns the messages that aren't written whole.
    pub(super) fn into_unsent(self) -> Vec<Run> {
        let first = self.entries.front().map_or(&[][..], |entry| &entry.pieces[..self.piece]);
        let mut written = self.written + first.iter().map(Bytes::len).sum::<usize>();
        let mut unsent = Vec::new();
        for entry in self.entries {
            let Payload::Run(mut run) = entry.payload else {
                written = 0;
                continue;
            };
            let len_on_wire = |frames: &[u8]| match self.sealer {
                Some(_) => Sealer::sealed_len(frames),
                None => frames.len(),
            };
            let _ = run.split_to(whole_messages(&run, written, len_on_wire));
            unsent.push(run);
            written = 0;
        }
        unsent
    }
}

/// Returns how many messages of a run are whole in its first `written` bytes on the wire, where frames have the length
/// `len_on_wire`.
fn whole_messages(run: &Run, written: usize, len_on_wire: impl Fn(&[u8]) -> usize) -> usize {
    // A large message that is written whole isn't in the queue any more.
    let Run::Wire(batch) = run else { return 0 };
    let mut end = 0;
    let is_whole = |span: &Span<'_>| {
        end += len_on_wire(&batch.wire()[span.range.clone()]);
        end <= written
    };
    batch.spans().take_while(is_whole).count()
}

#[cfg(test)]
mod tests;
