//! The API that the crate's root re-exports, as text. `public-api.txt` holds it, and a test compares both. So each change of the
//! API shows as a change of that file.
//!
//! The text comes from the sources, without a compiler. It shows the derives of a type, its fields and variants, the methods of a
//! trait, and the impls: public functions and constants, and the headers of trait impls. It does not show auto traits such as
//! `Send`, and it writes each type as its file does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::definitions::{Crate, File, Place, TYPES};
use crate::items::{Item, items, member, parts, shown};
use crate::tokens::{Token, group_end, is_word, text};

const HEAD: &str = "\
# The Rust API: everything that the crate's root re-exports. A test compares this file with the sources.
# To renew it: THROUGHLINE_BLESS=1 cargo test --test layers surface. CHANGELOG.md needs a line for each change.
# `..` stands for private fields.
";

/// The text of the API, and the types that it names without exporting them.
struct Listing<'a> {
    all: &'a Crate,
    /// Every impl, with its file.
    impls: Vec<(&'a File, Item<'a>)>,
    text: String,
    /// Each hidden type, with the exported items that name it.
    hidden: BTreeMap<String, BTreeSet<String>>,
}

/// Returns the text of the crate's API. `sources`: each file's path below `src`, and its text.
fn listing(sources: &[(String, String)]) -> String {
    let all = Crate::read(sources);
    let mut impls = Vec::new();
    for file in &all.files {
        impls.extend(items(&file.tokens).into_iter().filter(|item| item.kind == "impl").map(|item| (file, item)));
    }
    let mut listing = Listing { all: &all, impls, text: HEAD.to_owned(), hidden: BTreeMap::new() };
    for (name, place) in &all.exported {
        listing.item(name, place);
    }
    let Listing { mut text, hidden, .. } = listing;
    if !hidden.is_empty() {
        text.push_str("\n# Hidden types that the items above name. They may change in each release.\n");
    }
    for (name, by) in hidden {
        let by: Vec<String> = by.into_iter().collect();
        writeln!(text, "# {name}: {}", by.join(", ")).expect("text has room");
    }
    text
}

impl Listing<'_> {
    fn line(&mut self, indent: usize, line: &str) {
        writeln!(self.text, "{}{line}", "    ".repeat(indent)).expect("text has room");
    }

    /// Notes the hidden types in a piece of the API of `name`.
    fn note(&mut self, name: &str, file: &File, code: &[Token]) {
        for place in self.all.all_named(file, code) {
            if !self.all.is_exported(&place) {
                self.hidden.entry(place.1).or_default().insert(name.to_owned());
            }
        }
    }

    fn item(&mut self, name: &str, place: &Place) {
        let all = self.all;
        let file = &all.files[place.0];
        let found = items(&file.tokens);
        let item = found.iter().find(|item| TYPES.contains(&item.kind) && item.name == place.1).expect("it is defined");
        self.text.push('\n');
        if *name != place.1 {
            self.line(0, &format!("// exported as {name}"));
        }
        let mut derived: Vec<String> =
            item.attributes_named("derive").flat_map(|derive| parts(inside(derive))).map(shown).collect();
        derived.sort();
        if !derived.is_empty() {
            self.line(0, &format!("#[derive({})]", derived.join(", ")));
        }
        if item.attributes_named("non_exhaustive").next().is_some() {
            self.line(0, "#[non_exhaustive]");
        }
        match item.kind {
            "struct" | "union" => self.fields(name, file, item),
            "enum" => self.variants(name, file, item),
            "trait" => self.methods(name, file, item),
            _ => self.signature(0, name, file, item.head, ";"),
        }
        self.impls(name, place);
    }

    /// Writes a line of the API, and notes its hidden types.
    fn signature(&mut self, indent: usize, name: &str, file: &File, code: &[Token], end: &str) {
        self.note(name, file, code);
        let visibility = if indent == 0 && code.first().is_none_or(|first| first.text != "impl") { "pub " } else { "" };
        self.line(indent, &format!("{visibility}{}{end}", shown(code)));
    }

    fn fields(&mut self, name: &str, file: &File, item: &Item<'_>) {
        if !item.has_body {
            let open = item.head.iter().position(|token| token.text == "(").unwrap_or(item.head.len());
            let fields: Vec<_> = parts(inside(&item.head[open..])).into_iter().map(member).collect();
            let of = |(code, is_public, _): &(&[Token], bool, _)| {
                if *is_public { format!("pub {}", shown(code)) } else { "..".to_owned() }
            };
            for (code, _, _) in fields.iter().filter(|(_, is_public, _)| *is_public) {
                self.note(name, file, code);
            }
            let list: Vec<String> = fields.iter().map(of).collect();
            let list = if open < item.head.len() { format!("({})", list.join(", ")) } else { String::new() };
            self.line(0, &format!("pub {}{list};", shown(&item.head[..open])));
            return;
        }
        self.signature(0, name, file, item.head, " {");
        let fields: Vec<_> = parts(item.body).into_iter().map(member).collect();
        for (code, _, _) in fields.iter().filter(|(_, is_public, _)| *is_public) {
            self.note(name, file, code);
            self.line(1, &format!("pub {},", shown(code)));
        }
        if fields.iter().any(|(_, is_public, _)| !is_public) {
            self.line(1, "..");
        }
        self.line(0, "}");
    }

    fn variants(&mut self, name: &str, file: &File, item: &Item<'_>) {
        self.signature(0, name, file, item.head, " {");
        for (code, _, _) in parts(item.body).into_iter().map(member) {
            let code = without_attributes(code);
            self.note(name, file, code.iter().skip(1).map(copy).collect::<Vec<_>>().as_slice());
            self.line(1, &format!("{},", shown(&code)));
        }
        self.line(0, "}");
    }

    fn methods(&mut self, name: &str, file: &File, item: &Item<'_>) {
        self.signature(0, name, file, item.head, " {");
        for method in items(item.body) {
            self.signature(1, name, file, method.head, if method.has_body { " { .. }" } else { ";" });
        }
        self.line(0, "}");
    }

    /// Writes the impls of a type, in all files: first the inherent ones, then those of traits. Their order is that of their text,
    /// so a function may move to another file.
    fn impls(&mut self, name: &str, place: &Place) {
        let (mut inherent, mut of_traits) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeSet::new());
        let impls = std::mem::take(&mut self.impls);
        for (file, item) in &impls {
            if self.is_shown(file, item, place) {
                let is_inherent = sides(item.head).0.is_none();
                let members = items(item.body).into_iter();
                let members =
                    members.filter(|member| if is_inherent { member.is_public } else { member.kind == "type" });
                let members: Vec<_> = members.map(|member| self.member(name, file, &member)).collect();
                let head = shown(item.head);
                if !is_inherent {
                    self.note(name, file, item.head);
                    let types =
                        if members.is_empty() { String::new() } else { format!(" {{ {} }}", members.join(" ")) };
                    of_traits.insert(head + &types);
                } else if !members.is_empty() {
                    inherent.entry(head).or_default().extend(members);
                }
            }
        }
        self.impls = impls;
        for (head, members) in inherent {
            self.line(0, &format!("{head} {{"));
            for member in members {
                self.line(1, &format!("pub {member}"));
            }
            self.line(0, "}");
        }
        for line in of_traits {
            self.line(0, &line);
        }
    }

    /// Returns true for an impl of this type that other crates can see. A trait of this crate that is not exported stays inside.
    fn is_shown(&self, file: &File, item: &Item<'_>, place: &Place) -> bool {
        let (of_trait, for_type) = sides(item.head);
        let of_trait = of_trait.and_then(|of_trait| self.all.named(file, &first_path(of_trait)));
        self.all.named(file, &first_path(for_type)).as_ref() == Some(place)
            && of_trait.is_none_or(|of_trait| self.all.is_exported(&of_trait))
    }

    /// Returns the line of a function, a constant or a type of an impl, and notes its hidden types.
    fn member(&mut self, name: &str, file: &File, member: &Item<'_>) -> String {
        let value = member.head.iter().position(|token| token.text == "=" && member.kind == "const");
        let head = &member.head[..value.unwrap_or(member.head.len())];
        self.note(name, file, head);
        // Only the body of a function sees that it may change its receiver.
        shown(head).replace("(mut self", "(self") + ";"
    }
}

/// Returns the tokens in the first round brackets.
fn inside(tokens: &[Token]) -> &[Token] {
    let Some(open) = tokens.iter().position(|token| token.text == "(") else { return &[] };
    &tokens[open + 1..group_end(tokens, open) - 1]
}

/// Returns the trait and the type of an impl's head.
fn sides(head: &[Token]) -> (Option<&[Token]>, &[Token]) {
    let generics = if text(head, 1) == "<" { angle_end(head, 1) } else { 1 };
    let mut at = generics;
    while at < head.len() && text(head, at) != "for" {
        at += 1;
    }
    match head.get(at + 1..) {
        Some(for_type) => (Some(&head[generics..at]), for_type),
        None => (None, &head[generics..]),
    }
}

/// Returns the place behind the angle bracket that closes the one at `at`.
fn angle_end(tokens: &[Token], at: usize) -> usize {
    let mut open = 0_usize;
    for place in at..tokens.len() {
        match text(tokens, place) {
            "<" => open += 1,
            ">" if text(tokens, place - 1) != "-" => open -= 1,
            _ => {}
        }
        if open == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Returns the segments of the path at the start of a type.
fn first_path(code: &[Token]) -> Vec<&str> {
    let words = code.iter().map(|token| &*token.text);
    words.take_while(|word| is_word(word) || *word == "::").filter(|word| *word != "::").collect()
}

/// Returns the tokens of a variant without the attributes of its fields. `from` stays, because it makes an impl.
fn without_attributes(code: &[Token]) -> Vec<Token> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < code.len() {
        if text(code, at) == "#" && text(code, at + 2) != "from" {
            at = group_end(code, at + 1);
        } else {
            kept.push(copy(&code[at]));
            at += 1;
        }
    }
    kept
}

fn copy(token: &Token) -> Token {
    Token { line: token.line, text: token.text.clone() }
}

/// Returns each line of a listing, behind the line that it belongs to.
fn facts(listing: &str) -> BTreeSet<String> {
    let (mut found, mut around, mut attributes) = (BTreeSet::new(), "", String::new());
    for line in listing.lines() {
        if line.starts_with("#[") {
            attributes = format!("{attributes}{line} ");
        } else if line.starts_with(' ') {
            found.insert(format!("{around} {}", line.trim_start()));
        } else {
            around = line;
            found.insert(std::mem::take(&mut attributes) + line);
        }
    }
    found
}

#[test]
fn the_api_of_the_surface_stands_in_its_file() {
    let found = listing(&crate::all());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layers/public-api.txt");
    if std::env::var_os("THROUGHLINE_BLESS").is_some() {
        fs::write(&path, &found).expect("the file can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let (old, new) = (facts(&kept), facts(&found));
    let gone = old.difference(&new).map(|fact| format!("- {fact}"));
    let come = new.difference(&old).map(|fact| format!("+ {fact}"));
    let changed: Vec<String> = gone.chain(come).collect();
    assert!(
        kept == found,
        "the Rust API is no longer that of tests/layers/public-api.txt:\n{}\n\
         If you mean the change, add a line to CHANGELOG.md and renew the file:\n\
         THROUGHLINE_BLESS=1 cargo test --test layers surface\n",
        changed.join("\n")
    );
}

#[test]
fn a_listing_shows_exactly_the_surface() {
    let sources = [
        ("lib.rs", "pub mod a; pub mod b; pub use crate::{a::{Door, Kind as Sort, Judge, Name}};"),
        (
            "a.rs",
            "use crate::b::{self, Deep}; pub use crate::b::Kind;
             #[derive(Debug, Clone)] #[non_exhaustive] pub struct Door<'a> { /// Open.\n pub open: &'a bool, deep: Deep }
             impl Door<'_> { pub const N: u8 = 1; pub async fn go(self, deep: Deep) -> b::Other { x } fn inner() {} pub(crate) fn f() {} }
             impl b::Inner for Door<'_> {}
             impl<T: Into<u8>> From<T> for Door<'_> { fn from(t: T) -> Self { x } }
             pub trait Judge: Send { type Out; fn must(&self); fn may(&self) -> Self::Out { x } }
             macro_rules! named { ($name:ident) => { pub struct $name(u8, pub char); }; }
             named!(Name);
             #[cfg(test)] impl Clone for Kind {}",
        ),
        (
            "b.rs",
            "pub struct Deep; pub struct Other; pub trait Inner {}
             pub enum Kind { #[error(x)] One(#[from] Other, #[source] u8), Two { deep: Deep } }
             impl std::str::FromStr for Kind { type Err = Other; }
             use super::a::Door; impl Door<'_> { pub fn more(&self) {} }",
        ),
    ]
    .map(|(file, source)| (file.to_owned(), source.to_owned()));
    let expected = "
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Door<'a> {
    pub open: &'a bool,
    ..
}
impl Door<'_> {
    pub async fn go(self, deep: Deep) -> b::Other;
    pub const N: u8;
    pub fn more(&self);
}
impl<T: Into<u8>> From<T> for Door<'_>

pub trait Judge: Send {
    type Out;
    fn must(&self);
    fn may(&self) -> Self::Out { .. }
}

pub struct Name(.., pub char);

// exported as Sort
pub enum Kind {
    One(#[from] Other, u8),
    Two { deep: Deep },
}
impl std::str::FromStr for Kind { type Err = Other; }

# Hidden types that the items above name. They may change in each release.
# Deep: Door, Sort
# Other: Door, Sort
";
    assert_eq!(listing(&sources).strip_prefix(HEAD), Some(expected));
}
