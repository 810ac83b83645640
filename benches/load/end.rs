//! The two ends of a connection.

use clap::ValueEnum;

/// End of a connection.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum End {
    Bind,
    Connect,
}
