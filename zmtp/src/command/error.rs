//! The error of a command that breaks its form.

use crate::command::name::CommandName;

/// A command of a form that ZMTP doesn't allow: the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no name, or it is cut off.
    #[error("peer sent a command without a whole name")]
    Name,
    /// The data doesn't fit the command.
    #[error("peer sent a malformed {0} command")]
    Malformed(CommandName),
}
