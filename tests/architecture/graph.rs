//! The modules of a crate and the imports between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::source::{ModulePath, Source};

/// The modules of one crate, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    sources: BTreeMap<ModulePath, (PathBuf, Source)>,
}

/// A module that uses another.
#[derive(Debug)]
pub(crate) struct Arrow {
    pub(crate) from: ModulePath,
    pub(crate) to: ModulePath,
    /// File and line of the import.
    pub(crate) place: String,
}

impl Crate {
    /// Reads the sources of a crate, tests aside.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut modules = Self::default();
        modules.read_folder(folder, &[]);
        modules.drop_tests();
        modules
    }

    /// Removes the modules that are compiled for tests only.
    fn drop_tests(&mut self) {
        let of_module = |(module, (_, source)): (&ModulePath, &(PathBuf, Source))| {
            source
                .tests
                .iter()
                .map(|name| [module.as_slice(), std::slice::from_ref(name)].concat())
                .collect::<Vec<_>>()
        };
        let tests: Vec<ModulePath> = self.sources.iter().flat_map(of_module).collect();
        self.sources.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    }

    fn read_folder(&mut self, folder: &Path, parent: &[String]) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if matches!(name.as_str(), "bin" | "main") {
                continue;
            }
            let mut module = parent.to_vec();
            if !matches!(name.as_str(), "lib" | "mod") {
                module.push(name);
            }
            if path.is_dir() {
                self.read_folder(&path, &module);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.add(module, path.clone(), &std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    pub(crate) fn add(&mut self, module: ModulePath, file: PathBuf, text: &str) {
        let source =
            Source::parse(&module, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.sources.insert(module, (file, source));
    }

    /// Returns the names of the modules below the root.
    pub(crate) fn top_modules(&self) -> BTreeSet<&str> {
        self.sources.keys().filter_map(|module| module.first()).map(String::as_str).collect()
    }

    /// Returns the module that defines the item at a path, through any number of re-exports.
    fn owner(&self, path: &[String]) -> ModulePath {
        let module =
            (0..=path.len()).rev().map(|len| &path[..len]).find(|path| self.sources.contains_key(*path));
        let module = module.expect("the root is a module");
        let exported = path.get(module.len()).and_then(|name| self.sources[module].1.exports.get(name));
        // The path of a macro that is re-exported under its own name would lead to itself again.
        match exported.filter(|exported| !path.starts_with(exported)) {
            Some(exported) => self.owner(&[exported.as_slice(), &path[module.len() + 1..]].concat()),
            None => module.to_vec(),
        }
    }

    /// Returns whether a path names an item by a re-export of the root.
    fn is_by_root(&self, path: &[String]) -> bool {
        !path.is_empty() && !self.sources.contains_key(&path[..1])
    }

    /// Returns the imports of every module but the root, whose purpose is to re-export.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, (file, source)) in self.sources.iter().filter(|(module, _)| !module.is_empty()) {
            for import in &source.imports {
                let place = format!("{}:{}", file.display(), import.line);
                let to = if self.is_by_root(&import.path) { Vec::new() } else { self.owner(&import.path) };
                if to != *from {
                    arrows.push(Arrow { from: from.clone(), to, place });
                }
            }
        }
        arrows
    }
}

/// Returns the imports that run up, or that name an item by the root of the crate, each with its place.
pub(crate) fn upward(arrows: &[Arrow], floors: &[&[&str]]) -> Vec<String> {
    let floor = |module: &ModulePath| floors.iter().position(|floor| floor.contains(&module[0].as_str()));
    let mut faults = Vec::new();
    for Arrow { from, to, place } in arrows {
        let (user, used) = (from.join("::"), to.join("::"));
        if to.is_empty() {
            faults.push(format!(
                "{place}: `{user}` names by the root what belongs to a module: name the module"
            ));
        } else if from[0] != to[0] && floor(to) >= floor(from) {
            let [below, above] = [floor(from), floor(to)].map(|floor| floor.map_or(0, |floor| floor + 1));
            faults.push(format!("{place}: `{user}` (floor {below}) imports `{used}` (floor {above})"));
        }
    }
    faults
}

/// Returns the imports that are part of a circle, each with its place.
pub(crate) fn circular(arrows: &[Arrow]) -> Vec<String> {
    let mut rest: Vec<&Arrow> = arrows.iter().filter(|arrow| !arrow.to.is_empty()).collect();
    loop {
        let (users, used): (BTreeSet<_>, BTreeSet<_>) =
            (rest.iter().map(|arrow| &arrow.from).collect(), rest.iter().map(|arrow| &arrow.to).collect());
        let before = rest.len();
        // A module that uses none of the remaining modules, or that none of them uses, is in no circle.
        rest.retain(|arrow| users.contains(&arrow.to) && used.contains(&arrow.from));
        if rest.len() == before {
            break;
        }
    }
    rest.iter()
        .map(|Arrow { from, to, place }| {
            format!("{place}: `{}` imports `{}`", from.join("::"), to.join("::"))
        })
        .collect()
}
