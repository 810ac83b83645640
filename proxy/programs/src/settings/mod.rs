//! Settings of a program: from the flags, the environment, a file and the defaults, merged key by key.
//!
//! The structs of `keys` define each key once: its flags, its variable, its key in the file and its type. Each source
//! is a [`Layer`](layer::Layer) of keys with values and origins. [`Settings`] is the merge of all layers, as typed
//! values and as text.

mod error;
mod file;
mod keys;
mod layer;
mod limits;
mod merge;
mod text;
mod values;

pub(crate) use keys::{Flag, SIDES, Scope, Side, SideKeys, flags, with_variable};
pub(crate) use layer::{Layers, layers};
pub(crate) use merge::{Entry, Settings};
pub(crate) use values::{Handover, LogFormat, LogLevel};
