//! Settings as text: a file that gives the same settings, with the origin of each value.

use std::fmt::{self, Write};

use super::keys::{General, Places, SIDES, SideKeys, names};
use super::layer::Leaves;
use super::merge::Settings;
use crate::program::Shape;

impl Settings {
    /// Writes the settings as a file. No key has a secret as its value.
    pub(crate) fn text(&self, shape: Shape) -> String {
        let mut text = String::new();
        self.write(shape, &mut text).expect("a String takes all text");
        text
    }

    fn write(&self, shape: Shape, text: &mut String) -> fmt::Result {
        write_leaves(text, &names::<General>(), &self.leaves)?;
        if shape == Shape::Services {
            writeln!(text, "\n[[service]]\nname = \"default\"")?;
        }
        let keys = [names::<Places>(), names::<SideKeys>()].concat();
        for side in SIDES {
            for entry in &self.sides[side as usize] {
                match shape {
                    Shape::Entries => writeln!(text, "\n[[{}]]", side.name())?,
                    Shape::Services => writeln!(text, "\n[service.{}]", side.name())?,
                }
                write_leaves(text, &keys, &entry.leaves)?;
            }
        }
        Ok(())
    }
}

fn write_leaves(text: &mut String, keys: &[String], leaves: &Leaves) -> fmt::Result {
    for (key, leaf) in keys.iter().filter_map(|key| leaves.get_key_value(key)) {
        writeln!(text, "{key} = {}  # {}", leaf.value, leaf.origin)?;
    }
    Ok(())
}
