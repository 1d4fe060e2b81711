//! Finds the definition behind a name of the crate: through imports, re-exports and calls of macros.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::items::{calls_of_macros, items};
use crate::module_of;
use crate::paths::{RootedPath, imported, paths};
use crate::production::production;
use crate::tokens::{Token, is_word, text, tokens};

/// The most re-exports of re-exports that are followed.
const DEEPEST: usize = 8;

/// The kinds of items that a signature can name.
pub(crate) const TYPES: [&str; 5] = ["struct", "enum", "union", "trait", "type"];

/// A file, read.
pub(crate) struct File {
    module: Vec<String>,
    pub(crate) tokens: Vec<Token>,
    paths: Vec<RootedPath>,
    /// The types and traits that the file defines.
    defined: BTreeSet<String>,
}

/// The file of a definition, and its name there.
pub(crate) type Place = (usize, String);

/// The crate without its tests.
pub(crate) struct Crate {
    pub(crate) files: Vec<File>,
    by_module: HashMap<Vec<String>, usize>,
    /// The definitions that the root re-exports, by their public names.
    pub(crate) exported: BTreeMap<String, Place>,
}

impl Crate {
    pub(crate) fn read(sources: &[(String, String)]) -> Self {
        let production: BTreeSet<&str> = production(sources).into_iter().map(|(file, _)| file).collect();
        let is_read = |file: &str| production.contains(file) && !["lib.rs", "main.rs"].contains(&file);
        let read = sources.iter().filter(|(file, _)| is_read(file));
        let mut files: Vec<File> = read.map(|(file, source)| File::read(file, source)).collect();
        files.sort_by(|one, other| one.module.cmp(&other.module)); // a folder has no order
        let by_module = files.iter().enumerate().map(|(place, file)| (file.module.clone(), place)).collect();
        let mut all = Self { files, by_module, exported: BTreeMap::new() };
        let root = sources.iter().find(|(file, _)| file == "lib.rs").map_or("", |(_, source)| source);
        for path in paths(&tokens(root)).iter().filter(|path| path.is_use) {
            let name = path.name().expect("the root names each item").to_owned();
            let place = all.place(path.absolute(&[])).unwrap_or_else(|| panic!("{name}: no definition was found"));
            all.exported.insert(name, place);
        }
        all
    }

    /// Returns the definition to which a path leads, if the crate holds it.
    fn place(&self, mut path: Vec<String>) -> Option<Place> {
        for _ in 0..DEEPEST {
            let length = (1..path.len()).rev().find(|length| self.by_module.contains_key(&path[..*length]))?;
            let (place, name) = (self.by_module[&path[..length]], &path[length]);
            if path.len() == length + 1 && self.files[place].defined.contains(name) {
                return Some((place, name.clone()));
            }
            let file = &self.files[place];
            let origin = imported(&file.paths, &file.module, name)?;
            path = origin.into_iter().chain(path.drain(length + 1..)).collect();
        }
        None
    }

    /// Returns the definition that a path in the code of a file names.
    pub(crate) fn named(&self, file: &File, path: &[&str]) -> Option<Place> {
        let mut whole = file.module.clone();
        for (at, segment) in path.iter().enumerate() {
            match *segment {
                "crate" if at == 0 => whole.clear(),
                "super" => drop(whole.pop()),
                "self" => {}
                name => whole.push(name.to_owned()),
            }
        }
        self.place(whole)
    }

    /// Returns the definitions of this crate that a piece of code names.
    pub(crate) fn all_named(&self, file: &File, code: &[Token]) -> Vec<Place> {
        let mut found = Vec::new();
        let mut path: Vec<&str> = Vec::new();
        for at in 0..=code.len() {
            let word = text(code, at);
            if is_word(word) && (path.is_empty() || text(code, at - 1) == "::") {
                path.push(word);
            } else if word != "::" {
                found.extend(self.named(file, &path).filter(|_| !path.is_empty()));
                path = if is_word(word) { vec![word] } else { Vec::new() };
            }
        }
        found
    }

    pub(crate) fn is_exported(&self, place: &Place) -> bool {
        self.exported.values().any(|exported| exported == place)
    }
}

impl File {
    fn read(file: &str, source: &str) -> Self {
        let whole = [(file.to_owned(), source.to_owned())];
        let mut tokens = production(&whole).remove(0).1;
        tokens.extend(calls_of_macros(&tokens));
        let types = items(&tokens).into_iter().filter(|item| TYPES.contains(&item.kind));
        let defined = types.map(|item| item.name.to_owned()).collect();
        Self { module: module_of(file), paths: paths(&tokens), tokens, defined }
    }
}
