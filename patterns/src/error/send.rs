//! Errors of sending.

use std::fmt;

use enfonet_zmtp::Message;

use super::Closed;

/// Error returned by the operations that send: the reason, and the message, so that it can be sent again.
///
/// `T` is `()` where the caller keeps the message: the unsent messages of a batch stay in the batch, and a
/// [`Permit`](crate::socket::Permit) is reserved before there is a message.
///
/// ```
/// use enfonet::Push;
/// use enfonet::error::SendError;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let push = Push::new();
/// match push.try_send("a task") {
///     Err(SendError::Full(message)) => assert_eq!(message, "a task"),
///     other => panic!("no peer is connected yet: {other:?}"),
/// }
/// # }
/// ```
///
/// With `?` it becomes any boxed error. `Debug` and `Display` don't show the message, which may be large or secret.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<T = Message> {
    /// The socket has been closed: trying again doesn't help.
    #[error("the socket is closed")]
    Closed(T),
    /// No peer has room at this moment, or no peer is connected: try again later, or wait with `send`. Only operations
    /// that don't wait return it.
    #[error("no peer has room for the message")]
    Full(T),
    /// No peer had room within the socket's [`send_timeout`](crate::Options::send_timeout): trying again may help. Only
    /// operations that wait return it.
    #[error("no peer had room for the message in time")]
    Timeout(T),
    /// The peer isn't connected, or not any more. A [`PeerId`](crate::peer::PeerId) is never used again, so trying
    /// again with the same id doesn't help.
    #[error("the peer isn't connected")]
    UnknownPeer(T),
    /// A request is in flight, and its reply has to be received first: the caller's fault (REQ).
    #[error("a reply has to be received before the next request is sent")]
    ReplyPending(T),
    /// The message has no routing id, or no frame behind it: the caller's fault (ROUTER).
    #[error("the message needs a routing id and another frame")]
    NoRecipient(T),
}

impl<T> SendError<T> {
    /// Returns the message.
    #[must_use]
    pub fn into_message(self) -> T {
        match self {
            Self::Closed(message)
            | Self::Full(message)
            | Self::Timeout(message)
            | Self::UnknownPeer(message)
            | Self::ReplyPending(message)
            | Self::NoRecipient(message) => message,
        }
    }

    /// Returns the same error with another value in the place of the message.
    #[must_use]
    pub fn map<U>(self, replace: impl FnOnce(T) -> U) -> SendError<U> {
        match self {
            Self::Closed(message) => SendError::Closed(replace(message)),
            Self::Full(message) => SendError::Full(replace(message)),
            Self::Timeout(message) => SendError::Timeout(replace(message)),
            Self::UnknownPeer(message) => SendError::UnknownPeer(replace(message)),
            Self::ReplyPending(message) => SendError::ReplyPending(replace(message)),
            Self::NoRecipient(message) => SendError::NoRecipient(replace(message)),
        }
    }
}

/// Debug output of the variant without the message.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
            Self::Timeout(_) => "Timeout(..)",
            Self::UnknownPeer(_) => "UnknownPeer(..)",
            Self::ReplyPending(_) => "ReplyPending(..)",
            Self::NoRecipient(_) => "NoRecipient(..)",
        })
    }
}

impl From<Closed> for SendError<()> {
    fn from(_: Closed) -> Self {
        Self::Closed(())
    }
}

/// Puts the message into the error, if it wasn't sent.
#[inline]
pub(crate) fn give_back<T>(
    sent: Result<T, SendError<()>>,
    message: impl Into<Message>,
) -> Result<T, SendError> {
    sent.map_err(|error| error.map(|()| message.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_send_error_returns_its_message_and_never_shows_it() {
        let variants: [fn(Message) -> SendError; 6] = [
            SendError::Closed,
            SendError::Full,
            SendError::Timeout,
            SendError::UnknownPeer,
            SendError::ReplyPending,
            SendError::NoRecipient,
        ];
        for variant in variants {
            let error = variant("secret".into());
            let shown = format!("{error:?} {error}");
            assert!(!shown.contains("secret"), "{shown}");
            assert_eq!(
                error.clone().map(|_| ()),
                give_back::<()>(Err(error.clone().map(|_| ())), "x").unwrap_err().map(|_| ())
            );
            assert_eq!(error.into_message(), "secret");
        }
    }

    #[test]
    fn a_send_error_becomes_a_boxed_error_that_is_send() {
        fn fails() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Err(SendError::Timeout(Message::from("late")))?
        }
        assert_eq!(fails().unwrap_err().to_string(), "no peer had room for the message in time");
    }
}
