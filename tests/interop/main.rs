//! Each socket of ours against its libzmq partners, and against ours.

mod first;
