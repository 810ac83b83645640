//! The file of the settings, in TOML. Its errors have a position.

use std::path::Path;

use clap::Args;
use serde::de::{Deserialize, DeserializeOwned};
use toml::Spanned;
use toml::Value;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::error::SettingsError;
use super::keys::{General, Places, SIDES, Scope, Side, SideKeys, names};
use super::layer::{Layer, Leaf, Leaves, Origin};
use crate::program::Shape;

/// Similarity of two keys from which one may be meant by the other; as in clap.
const MIN_SIMILARITY: f64 = 0.7;

/// Reads a file. `defaults` has a value for each general key.
pub(crate) fn read(path: &Path, shape: Shape, defaults: &Leaves) -> Result<Layer, SettingsError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| SettingsError::File { path: path.into(), error })?;
    File { path, text: &text, defaults }.layer(shape)
}

/// Names of the keys of a struct, and the check of a value.
struct KeySet {
    names: Vec<String>,
    check: fn(&Leaves, &str, Value) -> Result<(), String>,
}

impl KeySet {
    fn of<T: Args + DeserializeOwned>() -> Self {
        Self { names: names::<T>(), check: check::<T> }
    }
}

/// Checks the type of a value, beside values of the other keys.
fn check<T: DeserializeOwned>(others: &Leaves, key: &str, value: Value) -> Result<(), String> {
    let others = others.iter().map(|(key, leaf)| (key.clone(), leaf.value.clone()));
    let table: toml::Table = others.chain([(key.to_owned(), value)]).collect();
    table.try_into::<T>().map(drop).map_err(|error| error.message().to_owned())
}

type Key<'t> = Spanned<DeString<'t>>;
type Item<'t> = Spanned<DeValue<'t>>;

struct File<'t> {
    path: &'t Path,
    text: &'t str,
    defaults: &'t Leaves,
}

impl<'t> File<'t> {
    fn layer(&self, shape: Shape) -> Result<Layer, SettingsError> {
        let root = DeTable::parse(self.text).map_err(|error| {
            self.error(error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "))
        })?;
        let (general, side) = (KeySet::of::<General>(), KeySet::of::<SideKeys>());
        let sections: &[&str] = if shape == Shape::Entries { &["frontend", "backend"] } else { &["service"] };
        let mut layer = Layer::default();
        for (key, item) in root.into_inner() {
            let name = key.get_ref().to_string();
            if let Some(side) = section(sections, &name) {
                match side {
                    Some(side) => {
                        for table in self.tables(&name, item)? {
                            layer.entries[side as usize].push(self.entry(table, &format!("[[{name}]]"))?);
                        }
                    }
                    None => self.services(item, &mut layer)?,
                }
                continue;
            }
            let scope = if general.names.contains(&name) { Scope::General } else { Scope::BothSides };
            let leaf = self.leaf(&[&general, &side], sections, "", &key, item)?;
            layer.insert(scope, &name, leaf);
        }
        Ok(layer)
    }

    /// Reads `[[service]]`: a name, and an entry for each side.
    fn services(&self, item: Item<'t>, layer: &mut Layer) -> Result<(), SettingsError> {
        for (number, table) in self.tables("service", item)?.into_iter().enumerate() {
            for (key, item) in table {
                let (name, start) = (key.get_ref().to_string(), item.span().start);
                if number > 0 {
                    return Err(self.error(start, "a second service, where only one may be".into()));
                }
                match (side_named(&name), item.into_inner()) {
                    (Some(side), DeValue::Table(table)) => {
                        layer.entries[side as usize].push(self.entry(table, &format!("[service.{name}]"))?);
                    }
                    (Some(_), _) => {
                        return Err(self.error(start, format!("`{name}` is a table: [service.{name}]")));
                    }
                    (None, DeValue::String(text)) if name == "name" && text == "default" => {}
                    (None, _) if name == "name" => {
                        return Err(self.error(start, "the name of the only service is \"default\"".into()));
                    }
                    (None, _) => {
                        return Err(self.unknown(&key, "[[service]]", &["name", "frontend", "backend"]));
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads an entry of a side.
    fn entry(&self, table: DeTable<'t>, place: &str) -> Result<Leaves, SettingsError> {
        let sets = [&KeySet::of::<Places>(), &KeySet::of::<SideKeys>()];
        let leaves = table
            .into_iter()
            .map(|(key, item)| Ok((key.get_ref().to_string(), self.leaf(&sets, &[], place, &key, item)?)));
        leaves.collect()
    }

    fn leaf(
        &self,
        sets: &[&KeySet],
        sections: &[&str],
        place: &str,
        key: &Key<'t>,
        item: Item<'t>,
    ) -> Result<Leaf, SettingsError> {
        let name: &str = key.get_ref();
        let Some(set) = sets.iter().find(|set| set.names.iter().any(|known| known == name)) else {
            let known = sets.iter().flat_map(|set| &set.names).map(String::as_str);
            return Err(self.unknown(key, place, &known.chain(sections.iter().copied()).collect::<Vec<_>>()));
        };
        let start = item.span().start;
        let elements = match item.get_ref() {
            DeValue::Array(items) => items.iter().cloned().collect(),
            _ => vec![],
        };
        let value = self.value(item)?;
        let defaults = if set.names.iter().all(|name| self.defaults.contains_key(name)) {
            self.defaults
        } else {
            &Leaves::new()
        };
        if let Err(message) = (set.check)(defaults, name, value.clone()) {
            // The element that is wrong on its own has the better position.
            for element in elements {
                let start = element.span().start;
                let single = Value::Array(vec![self.value(element)?]);
                if let Err(message) = (set.check)(defaults, name, single) {
                    return Err(self.error(start, format!("{name}: {message}")));
                }
            }
            return Err(self.error(start, format!("{name}: {message}")));
        }
        let (line, _) = self.position(start);
        Ok(Leaf { value, origin: Origin::File { path: self.path.into(), line } })
    }

    fn value(&self, item: Item<'t>) -> Result<Value, SettingsError> {
        let start = item.span().start;
        Value::deserialize(ValueDeserializer::from(item))
            .map_err(|error| self.error(start, error.message().into()))
    }

    /// Returns the tables of `[[name]]`.
    fn tables(&self, name: &str, item: Item<'t>) -> Result<Vec<DeTable<'t>>, SettingsError> {
        let start = item.span().start;
        let expected = || format!("`{name}` is a list of tables: [[{name}]]");
        let DeValue::Array(items) = item.into_inner() else { return Err(self.error(start, expected())) };
        let tables = items.into_iter().map(|item| {
            let start = item.span().start;
            let DeValue::Table(table) = item.into_inner() else { return Err(self.error(start, expected())) };
            Ok(table)
        });
        tables.collect()
    }

    fn unknown(&self, key: &Key<'t>, place: &str, known: &[&str]) -> SettingsError {
        let name: &str = key.get_ref();
        let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
        let similar = known.iter().map(|known| (strsim::jaro_winkler(name, known), *known));
        let best =
            similar.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|best| best.0 > MIN_SIMILARITY);
        let hint = match best {
            Some((_, best)) => format!("; did you mean `{best}`?"),
            None => String::new(),
        };
        self.error(key.span().start, format!("unknown key `{name}`{place}{hint}"))
    }

    fn error(&self, offset: usize, message: String) -> SettingsError {
        let (line, column) = self.position(offset);
        SettingsError::Text { path: self.path.into(), line, column, message }
    }

    /// Returns the line and the column of an offset into the text, counted from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

fn side_named(name: &str) -> Option<Side> {
    SIDES.into_iter().find(|side| side.name() == name)
}

/// Returns whether a key of the root is a section: the entries of a side, or the services.
fn section(sections: &[&str], name: &str) -> Option<Option<Side>> {
    sections.contains(&name).then(|| side_named(name))
}
