//! Checks that imports between files form no cycle.
//!
//! A path counts as an import of the file that defines the named item. A re-export is followed to its origin.
//!
//! Two kinds of path are not imports:
//! - `mod x;`, since a module must declare its parts
//! - a path to a module around the file (`use super::X`): a folder's `mod.rs` holds the shared items of its files
//!
//! The second kind does count in the folders of [`PARTS`]. There, `mod.rs` assembles parts that do not know the whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::module_of;
use crate::paths::{RootedPath, imported, paths};
use crate::tokens::tokens;

/// The folders whose files must not name a module that names them.
const PARTS: [&str; 3] = ["node", "driver", "backend"];

/// The most re-exports of re-exports that are followed.
const DEEPEST: usize = 8;

struct File {
    path: String,
    module: Vec<String>,
    paths: Vec<RootedPath>,
}

/// The imports of each file, by the file's place.
type Imports = Vec<BTreeSet<usize>>;

/// Returns every cycle, as the files on it. `sources`: each file's path below `src`, and its text.
pub(crate) fn cycles(sources: &[(String, String)]) -> Vec<String> {
    let files: Vec<File> = sources.iter().filter(|(path, _)| path != "lib.rs").map(File::read).collect();
    let imports = imports(&files);
    let mut told = BTreeMap::new();
    for start in 0..files.len() {
        if let Some(cycle) = cycle_from(start, &imports) {
            let names: Vec<&str> = cycle.iter().map(|place| &*files[*place].path).collect();
            let on_it: BTreeSet<usize> = cycle.iter().copied().collect();
            told.entry(on_it).or_insert_with(|| format!("{} → {}", names.join(" → "), names[0]));
        }
    }
    told.into_values().collect()
}

impl File {
    fn read((path, source): &(String, String)) -> Self {
        Self { path: path.clone(), module: module_of(path), paths: paths(&tokens(source)) }
    }
}

fn imports(files: &[File]) -> Imports {
    let by_module: HashMap<&[String], usize> =
        files.iter().enumerate().map(|(place, file)| (&*file.module, place)).collect();
    let of = |(place, file): (usize, &File)| {
        let named = file.paths.iter().filter(|path| !path.is_visibility);
        let defined = named.filter_map(|path| defined_in(files, &by_module, path.absolute(&file.module)));
        defined.filter(|other| *other != place && counts(file, &files[*other])).collect()
    };
    files.iter().enumerate().map(of).collect()
}

/// Returns true if a name of `other` in `file` counts as an import.
fn counts(file: &File, other: &File) -> bool {
    !file.module.starts_with(&other.module) || PARTS.contains(&&*file.module[0])
}

/// Returns the file that defines a path's item.
fn defined_in(files: &[File], by_module: &HashMap<&[String], usize>, mut path: Vec<String>) -> Option<usize> {
    for _ in 0..DEEPEST {
        let length = (0..=path.len()).rev().find(|length| by_module.contains_key(&path[..*length]))?;
        let place = by_module[&path[..length]];
        let Some(origin) = path.get(length).and_then(|name| imported(&files[place].paths, &files[place].module, name))
        else {
            return Some(place);
        };
        if origin == path[..=length] {
            return Some(place);
        }
        path = origin.into_iter().chain(path.drain(length + 1..)).collect();
    }
    None
}

/// Returns the shortest way from a file back to itself.
fn cycle_from(start: usize, imports: &Imports) -> Option<Vec<usize>> {
    let mut came_from: HashMap<usize, usize> = HashMap::new();
    let mut next = vec![start];
    while !next.is_empty() {
        let mut after = Vec::new();
        for place in next {
            for other in &imports[place] {
                if *other == start {
                    let mut way = vec![place];
                    while let Some(before) = way.last().filter(|last| **last != start).map(|last| came_from[last]) {
                        way.push(before);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !came_from.contains_key(other) {
                    came_from.insert(*other, place);
                    after.push(*other);
                }
            }
        }
        next = after;
    }
    None
}

#[test]
fn a_cycle_is_found_at_any_length_and_through_re_exports() {
    for (files, expected) in [
        (vec![("a/x.rs", "use super::y::Y;"), ("a/y.rs", "fn f() { super::x::go() }")], "a/x.rs → a/y.rs → a/x.rs"),
        (
            vec![("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c;"), ("c.rs", "use crate::a::{self as it};")],
            "a.rs → b.rs → c.rs → a.rs",
        ),
        (
            vec![
                ("a/mod.rs", "mod x; mod y; pub use x::X as Z; use self::y::Y;"),
                ("a/x.rs", "use super::Y;"),
                ("a/y.rs", "use crate::a::Z;"),
            ],
            "a/x.rs → a/y.rs → a/x.rs",
        ),
        (
            vec![("node/mod.rs", "mod x; use self::x::X;"), ("node/x.rs", "use super::Node;")],
            "node/mod.rs → node/x.rs → node/mod.rs",
        ),
    ] {
        assert_eq!(cycles(&owned(&files)), [expected], "{files:?}");
    }
}

#[test]
fn declarations_and_names_of_the_module_around_a_file_make_no_cycle() {
    for files in [
        vec![("a/mod.rs", "mod x; use self::x::X; pub struct A;"), ("a/x.rs", "use super::A; use super::super::b::B;")],
        vec![
            ("node/mod.rs", "mod x; mod link; use self::x::X;"),
            ("node/x.rs", "pub(in crate::node) struct X;"),
            ("node/link.rs", "use super::Node;"),
        ],
        vec![("a.rs", "mod tests { use super::*; use crate::b; }"), ("b.rs", "use std::a; // crate::a\n")],
    ] {
        assert_eq!(cycles(&owned(&files)), Vec::<String>::new(), "{files:?}");
    }
}

#[cfg(test)]
fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, source)| ((*path).to_owned(), (*source).to_owned())).collect()
}
