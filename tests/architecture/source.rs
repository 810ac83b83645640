//! One source file as a module: the paths that it imports, and the names that it re-exports.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Item, UseTree, Visibility};

/// Names of a module from the root of its crate down; empty for the root.
pub(crate) type ModulePath = Vec<String>;

/// A path in a source file that leads into the crate.
#[derive(Debug)]
pub(crate) struct Import {
    /// Module and name, from the root of the crate.
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// A module of a crate without its tests.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) imports: Vec<Import>,
    /// Paths that the module re-exports, by the name under which it does.
    pub(crate) exports: BTreeMap<String, Vec<String>>,
    /// Submodules with files of their own that are there for tests only.
    pub(crate) tests: Vec<String>,
}

impl Source {
    /// Reads the text of a module.
    pub(crate) fn parse(module: &[String], text: &str) -> syn::Result<Self> {
        let mut reader = Reader { module: module.to_vec(), source: Self::default() };
        reader.visit_file(&syn::parse_file(text)?);
        Ok(reader.source)
    }
}

struct Reader {
    module: ModulePath,
    source: Source,
}

impl Reader {
    /// Returns a path from the root of the crate; `None` for a path of another crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let mut base = match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" | "super" => self.module.clone(),
            _ => return None,
        };
        let ups = path.iter().take_while(|segment| *segment == "super").count();
        base.truncate(base.len().checked_sub(ups)?);
        base.extend(path.iter().skip_while(|segment| matches!(segment.as_str(), "self" | "super")).cloned());
        Some(base)
    }

    fn import(&mut self, path: &[String], line: usize) {
        // `self` and `super` alone name a module, not a thing in it: they aren't imports.
        if path.len() > 1
            && let Some(path) = self.absolute(path)
        {
            self.source.imports.push(Import { path, line });
        }
    }

    /// Notes every path of a `use`: as a re-export if it is one of a submodule, else as an import.
    fn read_use(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_export: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.read_use(&path.tree, prefix, is_export);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(tree, prefix, is_export);
                }
            }
            UseTree::Name(name) => self.note(prefix, &name.ident, &name.ident, is_export),
            UseTree::Rename(rename) => self.note(prefix, &rename.ident, &rename.rename, is_export),
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.import(&[prefix.as_slice(), &["*".into()]].concat(), line);
            }
        }
    }

    fn note(&mut self, prefix: &[String], name: &syn::Ident, alias: &syn::Ident, is_export: bool) {
        let mut path = prefix.to_vec();
        if name != "self" {
            path.push(name.to_string());
        }
        let is_known = matches!(path[0].as_str(), "crate" | "self" | "super");
        // In the 2024 edition a path that begins with a submodule needs no `self`.
        let local = if is_known { path.clone() } else { [vec!["self".into()], path.clone()].concat() };
        if is_export {
            if let Some(path) = self.absolute(&local) {
                self.source.exports.insert(alias.to_string(), path);
            }
        } else {
            self.import(&local, name.span().start().line);
        }
    }

    /// Notes paths that begin with `crate` or `super` in the body of a macro, which isn't parsed.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.import(&std::mem::take(&mut path), line);
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) if ident == "crate" || ident == "super" => {
                            line = ident.span().start().line;
                            path.push(ident.to_string());
                        }
                        TokenTree::Group(group) => self.read_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.import(&path, line);
    }
}

/// Returns whether an item is there for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string().contains("test"))
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            syn::visit::visit_item(self, item);
        } else if let Item::Mod(module) = item {
            self.source.tests.push(module.ident.to_string());
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.module.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.read_use(&item.tree, &mut Vec::new(), is_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if matches!(segments[0].as_str(), "crate" | "super") {
            self.import(&segments, path.segments[0].ident.span().start().line);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.read_tokens(call.tokens.clone());
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // `pub(in crate::transport)` uses nothing of that module.
    }
}
