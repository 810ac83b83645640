//! Merge of the layers into the settings that apply.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use serde::de::DeserializeOwned;
use toml::Value;

use super::error::SettingsError;
use super::file::read;
use super::keys::{General, Places, SIDES, Side, SideKeys, names};
use super::layer::{Layer, Layers, Leaf, Leaves, Origin};
use super::values::{Handover, LogLevel, Parse};
use crate::program::Program;

/// Settings that apply, with the origin of each value.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) general: General,
    /// Entries of the frontend and of the backend: at least one each.
    pub(crate) sides: [Vec<Entry>; 2],
    pub(super) leaves: Leaves,
}

/// Endpoints of a side with the same settings.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) places: Places,
    pub(crate) keys: SideKeys,
    pub(super) leaves: Leaves,
}

impl Settings {
    /// Reads the file, if there is one, and merges all sources. A flag precedes a variable, a variable the file, and
    /// the file the default. From the same source, the key of an entry precedes the key for all entries.
    pub(crate) fn load(
        program: &Program,
        layers: &Layers,
        file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let defaults = program_defaults(program, &layers.defaults);
        let file = match file {
            Some(path) => read(path, program.shape, &defaults.general)?,
            None => Layer::default(),
        };
        Self::merge(program, &[&defaults, &file, &layers.environment, &layers.flags])
    }

    /// Merges layers, of which each precedes those before it.
    fn merge(program: &Program, layers: &[&Layer]) -> Result<Self, SettingsError> {
        let mut leaves = Leaves::new();
        layers.iter().for_each(|layer| leaves.extend(layer.general.clone()));
        let mut sides = [vec![], vec![]];
        for side in SIDES {
            let index = side as usize;
            let count = layers.iter().map(|layer| layer.entries[index].len()).max().unwrap_or(0).max(1);
            for number in 0..count {
                let mut leaves = Leaves::new();
                for layer in layers {
                    leaves.extend(layer.every[index].clone());
                    leaves.extend(layer.entries[index].get(number).cloned().unwrap_or_default());
                }
                let name = format!("{} {}", side.name(), number + 1);
                let default = (number == 0).then_some(program.endpoints[index]);
                let entry = Entry::new(leaves, &name, default)?;
                entry.check_access(program, side)?;
                sides[index].push(entry);
            }
        }
        Ok(Self { general: typed(&leaves)?, sides, leaves })
    }
}

impl Settings {
    /// Returns the keys with other values in `new`, except for the keys that a reload applies.
    pub(crate) fn changed_keys(&self, new: &Self) -> Vec<String> {
        let mut changed = changed(&self.leaves, &new.leaves, "");
        for side in SIDES {
            let (old, new) = (&self.sides[side as usize], &new.sides[side as usize]);
            if old.len() != new.len() {
                changed.push(format!("number of entries of the {}", side.name()));
            }
            for (number, (old, new)) in old.iter().zip(new).enumerate() {
                changed.extend(self::changed(
                    &old.leaves,
                    &new.leaves,
                    &format!(" of {} {}", side.name(), number + 1),
                ));
            }
        }
        changed
    }
}

/// Keys that a reload applies, or whose files it compares.
const LIVE_KEYS: [&str; 5] = ["log-level", "plain-users", "curve-secret", "curve-clients", "rules"];

fn changed(old: &Leaves, new: &Leaves, place: &str) -> Vec<String> {
    let keys: BTreeSet<_> =
        old.keys().chain(new.keys()).filter(|key| !LIVE_KEYS.contains(&key.as_str())).collect();
    let value = |leaves: &Leaves, key: &str| leaves.get(key).map(|leaf| leaf.value.clone());
    let changed = keys.into_iter().filter(|key| value(old, key) != value(new, key));
    changed.map(|key| format!("{key}{place}")).collect()
}

impl Entry {
    fn new(mut leaves: Leaves, name: &str, default: Option<&str>) -> Result<Self, SettingsError> {
        let mut places: Places = typed(&leaves)?;
        if places.bind.is_empty() && places.connect.is_empty() {
            let Some(default) = default else {
                return Err(SettingsError::Combination(format!("{name} has neither `bind` nor `connect`")));
            };
            let value = Value::Array(vec![default.into()]);
            leaves.insert("bind".into(), Leaf { value, origin: Origin::Default });
            places = typed(&leaves)?;
        }
        let keys: SideKeys = typed(&leaves)?;
        check_mechanism(&keys, &leaves)?;
        Ok(Self { places, keys, leaves })
    }

    /// Checks that the program knows all keys, and that a handover between connections of a user has users.
    fn check_access(&self, program: &Program, side: Side) -> Result<(), SettingsError> {
        if let Some(key) = program.unused.iter().find(|key| self.leaves.contains_key(**key)) {
            let message = format!("{} has no effect in {}", named(key, &self.leaves), program.name);
            return Err(SettingsError::Combination(message));
        }
        let SideKeys { plain_users, curve_clients, handover, .. } = &self.keys;
        let has_users = plain_users.is_some() || curve_clients.is_some();
        if side == Side::Frontend && *handover == Some(Handover::User) && !has_users {
            let handover = named("handover", &self.leaves);
            return Err(SettingsError::Combination(format!(
                "{handover} needs clients with names: --plain-users FILE, or --curve-clients FILE",
            )));
        }
        Ok(())
    }
}

/// Returns a key with the origin of its value.
fn named(key: &str, leaves: &Leaves) -> String {
    leaves.get(key).map_or_else(String::new, |leaf| format!("`{key}` ({})", leaf.origin))
}

/// Checks that an entry has one mechanism.
fn check_mechanism(keys: &SideKeys, leaves: &Leaves) -> Result<(), SettingsError> {
    let named = |key: &str| named(key, leaves);
    let message = match (&keys.plain_users, &keys.curve_secret, &keys.curve_clients) {
        (Some(_), Some(_), _) => format!("{} excludes {}", named("plain-users"), named("curve-secret")),
        (Some(_), None, Some(_)) => format!("{} excludes {}", named("plain-users"), named("curve-clients")),
        (None, None, Some(_)) => {
            format!("{} needs `curve-secret`, which is missing: --curve-secret FILE", named("curve-clients"))
        }
        _ => return Ok(()),
    };
    Err(SettingsError::Combination(message))
}

/// Returns the defaults that depend on the program or on RUST_LOG, besides those of the flags.
fn program_defaults(program: &Program, defaults: &Layer) -> Layer {
    let mut defaults = defaults.clone();
    for side in SIDES {
        let value = program.heartbeats[side as usize].into();
        let leaf = Leaf { value, origin: Origin::Default };
        defaults.every[side as usize].insert("heartbeat".into(), leaf);
    }
    if let Some(level) = std::env::var("RUST_LOG").ok().filter(|level| LogLevel::parse(level).is_ok()) {
        let leaf = Leaf { value: level.into(), origin: Origin::Variable("RUST_LOG".into()) };
        defaults.general.insert("log-level".into(), leaf);
    }
    defaults
}

/// Returns the keys of one struct as typed values.
fn typed<T: Args + DeserializeOwned>(leaves: &Leaves) -> Result<T, SettingsError> {
    let names = names::<T>();
    let own = leaves.iter().filter(|(key, _)| names.contains(key));
    let table: toml::Table = own.map(|(key, leaf)| (key.clone(), leaf.value.clone())).collect();
    table.try_into().map_err(|error| SettingsError::Combination(error.message().into()))
}
