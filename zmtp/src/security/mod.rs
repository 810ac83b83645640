//! How the ends of a connection make sure of each other: the mechanism, the keys and credentials, and the verdict.

pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod keys;
pub(crate) mod verdict;
