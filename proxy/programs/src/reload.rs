//! Reload of the settings and of the files of credentials while the broker runs: all or nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use enfonet::peer::PeerInfo;
use enfonet_proxy::Peers;
use tokio::sync::mpsc::Receiver;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::credentials::{Credentials, FileError, Live, Rules, Users};
use crate::log::LogHandle;
use crate::program::Program;
use crate::settings::{Layers, SIDES, Settings, Side};
use crate::sockets::{Socket, SocketSettings};

/// Times between the searches for peers that were authenticated before a reload and joined after it. Together they are
/// longer than a handshake may take.
const SEARCH_PAUSES_SECONDS: [u64; 6] = [1, 2, 4, 8, 16, 32];

/// Sources of the settings: they are the same at each reload, but the file may have changed.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) program: &'static Program,
    pub(crate) layers: Layers,
    pub(crate) file: Option<PathBuf>,
}

impl Sources {
    /// Reads the file, merges all sources, and reads the files of credentials.
    pub(crate) fn load(&self) -> Result<Loaded, LoadError> {
        let settings = Settings::load(self.program, &self.layers, self.file.as_deref())
            .map_err(|error| LoadError::Settings(error.to_string()))?;
        let read = |side: Side| {
            let sockets = SocketSettings::of(&settings.sides[side as usize]).into_iter();
            let read = sockets.map(|socket| Ok((Credentials::read(&socket.keys)?, socket)));
            read.collect::<Result<Vec<_>, _>>()
                .map_err(|error: FileError| LoadError::Credentials(error.to_string()))
        };
        let sockets = [read(Side::Frontend)?, read(Side::Backend)?];
        Ok(Loaded { settings, sockets })
    }
}

/// Settings and credentials that were read and checked.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) sockets: [Vec<(Credentials, SocketSettings)>; 2],
}

/// Error returned for settings or credentials that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("{0}")]
    Settings(String),
    #[error("{0}")]
    Credentials(String),
}

/// Outcomes of the reloads so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReloadStatus {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// Time of the last reload that succeeded.
    pub(crate) last_success: Option<SystemTime>,
}

/// Reloads the settings of a running broker.
#[derive(Debug)]
pub(crate) struct Reloader {
    pub(crate) sources: Sources,
    /// Settings that the broker started with.
    pub(crate) settings: Settings,
    /// Sockets of the frontend and the backend.
    pub(crate) sockets: [Vec<Socket>; 2],
    pub(crate) log: LogHandle,
    pub(crate) peers: Peers,
    pub(crate) status: Arc<Mutex<ReloadStatus>>,
}

impl Reloader {
    /// Reloads at each SIGHUP.
    pub(crate) async fn run(self, mut hangups: Receiver<()>) {
        while hangups.recv().await.is_some() {
            let sources = self.sources.clone();
            // Files are read on another thread: this one forwards messages.
            let loaded = spawn_blocking(move || sources.load()).await;
            let Ok(loaded) = loaded else { continue };
            let is_success = loaded.is_ok();
            match loaded {
                Ok(loaded) => self.apply(loaded),
                Err(error) => tracing::error!(%error, "reload failed, and nothing is changed"),
            }
            self.record(is_success);
        }
    }

    fn record(&self, is_success: bool) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if is_success {
            status.succeeded += 1;
            status.last_success = Some(SystemTime::now());
        } else {
            status.failed += 1;
        }
        tracing::info!(succeeded = status.succeeded, failed = status.failed, "reloads so far");
    }

    /// Applies settings that are free of errors, and logs the changed keys that need a restart.
    fn apply(&self, loaded: Loaded) {
        let Loaded { settings, sockets } = loaded;
        self.log.set_level(&settings.general.log_level.0);
        let mut restart = self.settings.changed_keys(&settings);
        for (side, new) in SIDES.into_iter().zip(sockets) {
            restart.extend(self.replace_credentials(side, new));
        }
        if restart.is_empty() {
            tracing::info!("reloaded");
        } else {
            tracing::warn!(keys = restart.join(", "), "reloaded, but these changed keys need a restart");
        }
    }

    /// Replaces the users and rules of a side's sockets. Returns the keys that need a restart.
    fn replace_credentials(&self, side: Side, new: Vec<(Credentials, SocketSettings)>) -> Vec<String> {
        let mut restart = Vec::new();
        let mut new: Vec<_> = new.into_iter().map(Some).collect();
        for (number, socket) in self.sockets[side as usize].iter().enumerate() {
            // A socket with the same endpoints, or else in the same place.
            let is_same = |new: &Option<(Credentials, SocketSettings)>| {
                new.as_ref().is_some_and(|(_, new)| socket.settings.has_same_places(new))
            };
            let index = new.iter().position(is_same).unwrap_or(number);
            let Some((credentials, _)) = new.get_mut(index).and_then(Option::take) else { continue };
            let place = format!("of {} {}", side.name(), number + 1);
            if !socket.mechanism.is_same(&credentials.mechanism) {
                restart.push(format!("mechanism {place}"));
            } else if let (Some(live), Some(users)) = (&socket.users, credentials.users) {
                self.replace_users(side, number, live, users);
            }
            match (&socket.rules, credentials.rules) {
                (None, None) => {}
                (Some(live), Some(rules)) => self.replace_rules(side, number, live, rules),
                _ => restart.push(format!("rules {place}")),
            }
        }
        restart
    }

    /// Replaces the users of a socket, and disconnects peers that are no longer admitted.
    fn replace_users(&self, side: Side, socket: usize, live: &Live<Users>, users: Arc<Users>) {
        let revoked = live.replace(users.clone()).revoked_by(&users);
        let is_revoked = |peer: &PeerInfo| revoked.as_ref().is_none_or(|ids| ids.contains(&peer.user.id));
        self.disconnect(side, socket, "that are no longer admitted", is_revoked);
        tokio::spawn(search(self.peers.clone(), side, socket, live.clone()));
    }

    /// Replaces the rules of a socket, and disconnects peers with other permissions. Permissions hold for a connection:
    /// a peer has the new ones when it is back.
    fn replace_rules(&self, side: Side, socket: usize, live: &Live<Rules>, rules: Arc<Rules>) {
        live.replace(rules.clone());
        let has_other = |peer: &PeerInfo| peer.permissions != rules.permissions(&peer.user);
        self.disconnect(side, socket, "whose permissions have changed", has_other);
    }

    /// Disconnects the chosen peers of a socket, and logs how many there were.
    fn disconnect(&self, side: Side, socket: usize, which: &str, is_chosen: impl FnMut(&PeerInfo) -> bool) {
        let disconnected = disconnect(&self.peers, side, socket, is_chosen);
        if disconnected > 0 {
            tracing::info!(side = side.name(), disconnected, "disconnected peers {which}");
        }
    }
}

fn disconnect(peers: &Peers, side: Side, socket: usize, is_chosen: impl FnMut(&PeerInfo) -> bool) -> usize {
    match side {
        Side::Frontend => peers.disconnect_frontend(socket, is_chosen),
        Side::Backend => peers.disconnect_backend(socket, is_chosen),
    }
}

/// Disconnects peers of unknown users that joined after the reload: their handshakes were in progress.
async fn search(peers: Peers, side: Side, socket: usize, users: Live<Users>) {
    for pause in SEARCH_PAUSES_SECONDS {
        sleep(Duration::from_secs(pause)).await;
        let Some(known) = users.current().ids() else { continue };
        disconnect(&peers, side, socket, |peer| !known.contains(&peer.user.id));
    }
}
