//! Sockets of a broker, from the settings: entries of a side with the same settings share a socket.

use enfonet::Endpoint;
use enfonet_proxy::{Handover, Side};

use crate::credentials::{Credentials, Live, Mechanism, Rules, Users, options};
use crate::settings::{self, Entry, SideKeys};

/// A socket of a side: its endpoints, and its settings.
#[derive(Clone, Debug)]
pub(crate) struct SocketSettings {
    pub(crate) bind: Vec<Endpoint>,
    pub(crate) connect: Vec<Endpoint>,
    pub(crate) keys: SideKeys,
}

impl SocketSettings {
    /// Returns the sockets of a side's entries, in the order of their first entries.
    pub(crate) fn of(entries: &[Entry]) -> Vec<Self> {
        let mut sockets: Vec<Self> = Vec::new();
        for Entry { places, keys, .. } in entries {
            let bind = places.bind.iter().map(|endpoint| endpoint.0.clone());
            let connect = places.connect.iter().map(|remote| remote.0.0.clone());
            if let Some(socket) = sockets.iter_mut().find(|socket| socket.keys == *keys) {
                socket.bind.extend(bind);
                socket.connect.extend(connect);
            } else {
                let (bind, connect) = (bind.collect(), connect.collect());
                sockets.push(Self { bind, connect, keys: keys.clone() });
            }
        }
        sockets
    }

    /// Returns whether every peer that connects may use the broker.
    pub(crate) const fn admits_everybody(&self) -> bool {
        self.keys.plain_users.is_none() && self.keys.curve_secret.is_none()
    }

    /// Returns whether another socket has the same endpoints.
    pub(crate) fn has_same_places(&self, other: &Self) -> bool {
        self.bind == other.bind && self.connect == other.connect
    }
}

/// A socket of a running broker.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) settings: SocketSettings,
    pub(crate) mechanism: Mechanism,
    /// Users and rules, which a reload replaces.
    pub(crate) users: Option<Live<Users>>,
    pub(crate) rules: Option<Live<Rules>>,
}

/// Returns a socket, and the side for the broker.
pub(crate) fn socket(credentials: Credentials, settings: SocketSettings) -> (Socket, Side) {
    let Credentials { mechanism, users, rules } = credentials;
    let (users, rules) = (users.map(Live::new), rules.map(Live::new));
    let options = settings.keys.limits.apply(options(&mechanism, users.clone(), rules.clone()));
    let queue_bytes = settings.keys.limits.queue_bytes();
    let heartbeat = settings.keys.heartbeat.as_ref().map(|time| time.0);
    let handover = match settings.keys.handover {
        Some(settings::Handover::User) => Handover::User,
        Some(settings::Handover::Off) | None => Handover::Off,
    };
    let (bind, connect) = (settings.bind.clone(), settings.connect.clone());
    let side = Side { bind, connect, options, heartbeat, handover, queue_bytes };
    (Socket { settings, mechanism, users, rules }, side)
}
