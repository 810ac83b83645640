//! Groups of options that only some kinds of sockets have.

use super::Kind;
#[cfg(doc)]
use super::Options;

/// Options about single peers: [`peer_events`](Options::peer_events) and [`hello`](Options::hello).
#[derive(Clone, Copy, Debug)]
pub enum PeerOptions {}

/// Option of sockets that can announce themselves to a ROUTER: [`probe`](Options::probe).
#[derive(Clone, Copy, Debug)]
pub enum ProbeOptions {}

/// Option of sockets that can keep the last message only: [`conflate`](Options::conflate).
#[derive(Clone, Copy, Debug)]
pub enum ConflateOptions {}

/// Option of sockets that publish: [`nodrop`](Options::nodrop).
#[derive(Clone, Copy, Debug)]
pub enum PublishOptions {}

/// Option of sockets that match messages with topics: [`invert_matching`](Options::invert_matching).
#[derive(Clone, Copy, Debug)]
pub enum TopicOptions {}

/// Kinds of sockets that have the options of group `G`. The group of the options that a single kind has is the kind
/// itself: `Router: HasOptions<Router>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't have this option",
    label = "the group `{G}` has an option that `{Self}` doesn't have"
)]
pub trait HasOptions<G>: Kind {}

/// Kinds of sockets that can be made with [`Options<S>`]: all kinds if `S` is `()`, and with `(G, S)` the kinds of `S`
/// that have the options of group `G`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't have all of these options",
    label = "the options `{S}` aren't for `{Self}`"
)]
pub trait OneOf<S>: Kind {}

impl<K: Kind> OneOf<()> for K {}

impl<K: HasOptions<G> + OneOf<S>, G, S> OneOf<(G, S)> for K {}

/// Kinds of sockets that [`Options`] are for, before and after an option of group `G` is set.
///
/// `()` stands for all kinds, and `(G, S)` for the kinds of `S` that have the options of group `G`. So the type of
/// `Options::default().nodrop(true)` names the group of this option, and only PUB and XPUB can be made with it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't have this option",
    label = "an option that `{Self}` doesn't have"
)]
pub trait Narrow<G> {
    /// The kinds that have the option, too.
    type Narrowed;
}

impl<G> Narrow<G> for () {
    type Narrowed = (G, ());
}

impl<G, H, S> Narrow<G> for (H, S) {
    type Narrowed = (G, Self);
}

/// A single kind has the option, or the call doesn't compile.
impl<G, K: HasOptions<G>> Narrow<G> for K {
    type Narrowed = K;
}
