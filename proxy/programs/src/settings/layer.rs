//! Layers: the keys that one source sets, with the origin of each value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use toml::Value;

use super::keys::{Flag, SIDES, Scope, is_list};

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File {
        path: PathBuf,
        line: usize,
    },
    /// Name of an environment variable.
    Variable(String),
    /// Name of a flag, without dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Values by their keys.
pub(crate) type Leaves = BTreeMap<String, Leaf>;

/// The keys that one source sets. Pairs are of the frontend and the backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    pub(crate) general: Leaves,
    /// Keys of all entries of a side.
    pub(crate) every: [Leaves; 2],
    /// Keys of each entry of a side.
    pub(crate) entries: [Vec<Leaves>; 2],
}

impl Layer {
    pub(crate) fn insert(&mut self, scope: Scope, key: &str, leaf: Leaf) {
        match scope {
            Scope::General => {
                self.general.insert(key.into(), leaf);
            }
            Scope::BothSides => SIDES.into_iter().for_each(|side| {
                self.every[side as usize].insert(key.into(), leaf.clone());
            }),
            Scope::Entry(side) => {
                let entries = &mut self.entries[side as usize];
                if entries.is_empty() {
                    entries.push(Leaves::new());
                }
                entries[0].insert(key.into(), leaf);
            }
        }
    }
}

/// Layers of one parse of the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub(crate) defaults: Layer,
    pub(crate) environment: Layer,
    pub(crate) flags: Layer,
}

/// Returns the layers of parsed arguments: clap also reads the environment and the defaults.
pub(crate) fn layers(flags: &[Flag], matches: &ArgMatches) -> Layers {
    let mut layers = Layers::default();
    for flag in flags {
        if let Some(default) = flag.arg.get_default_values().first() {
            let value = default.to_string_lossy().into_owned().into();
            layers.defaults.insert(flag.scope, &flag.key, Leaf { value, origin: Origin::Default });
        }
        let (layer, origin) = match matches.value_source(flag.name()) {
            Some(ValueSource::CommandLine) => (&mut layers.flags, Origin::Flag(flag.name().into())),
            Some(ValueSource::EnvVariable) => {
                let name = flag.arg.get_env().unwrap_or_default().to_string_lossy();
                (&mut layers.environment, Origin::Variable(name.into()))
            }
            _ => continue,
        };
        let texts = matches.get_raw(flag.name()).into_iter().flatten();
        let mut values = texts.map(|text| Value::from(text.to_string_lossy().into_owned()));
        let value = if is_list(&flag.arg) { Some(Value::Array(values.collect())) } else { values.next() };
        if let Some(value) = value {
            layer.insert(flag.scope, &flag.key, Leaf { value, origin });
        }
    }
    layers
}
