//! Commands, which the ends of a connection exchange beside messages (RFC 37, "Commands").

pub(crate) mod error;
pub(crate) mod name;
pub(crate) mod ping;
pub(crate) mod subscription;
pub(crate) mod traffic;
pub(crate) mod wire;
