//! Users that a socket admits, which a reload replaces while the socket runs.

use std::collections::HashSet;

use bytes::Bytes;
use enfonet::auth::{AuthRequest, Authenticator, CurveClients, Decision, PlainUsers, Verdict};

use super::live::Live;

/// Users that may use a socket.
#[derive(Debug)]
pub(crate) enum Users {
    Everybody,
    Plain(PlainUsers),
    Curve(CurveClients),
}

impl Users {
    /// Returns the ids of all users that may use the socket; `None` if everybody may.
    pub(crate) fn ids(&self) -> Option<HashSet<Bytes>> {
        match self {
            Self::Everybody => None,
            Self::Plain(users) => Some(users.user_ids().cloned().collect()),
            Self::Curve(clients) => Some(clients.user_ids().cloned().collect()),
        }
    }

    /// Returns the ids of users whose credentials `next` no longer admits; `None` for all users, known or not.
    pub(crate) fn revoked_by(&self, next: &Self) -> Option<HashSet<Bytes>> {
        match (self, next) {
            (_, Self::Everybody) => Some(HashSet::new()),
            (Self::Plain(users), Self::Plain(next)) => Some(users.revoked_by(next)),
            (Self::Curve(clients), Self::Curve(next)) => Some(clients.revoked_by(next)),
            _ => None,
        }
    }
}

/// An authenticator whose users can be replaced.
impl Authenticator for Live<Users> {
    fn authenticate(&self, request: AuthRequest) -> Decision<'_> {
        let users = self.current();
        Box::pin(async move {
            match &*users {
                Users::Everybody => Verdict::allow(),
                Users::Plain(users) => users.authenticate(request).await,
                Users::Curve(clients) => clients.authenticate(request).await,
            }
        })
    }
}
