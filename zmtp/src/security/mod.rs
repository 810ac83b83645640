//! Authentication of the ends of a connection: the mechanism, keys and credentials, and the verdict.

pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod keys;
pub(crate) mod verdict;
