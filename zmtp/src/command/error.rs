//! The error of a command that breaks its form.

use crate::command::name::CommandName;

/// Error of a command whose form ZMTP doesn't allow. The peer is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The name is missing or cut off.
    #[error("peer sent a command without a whole name")]
    Name,
    /// The data doesn't fit the command.
    #[error("peer sent a malformed {0} command")]
    Malformed(CommandName),
}
