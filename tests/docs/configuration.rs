//! Compares the reference of the configuration with the gateway's own. The gateway must also accept all keys and all
//! TOML of the documents.

use throughline::server::config::{Config, Setting, reference};

use crate::{DOCUMENTS, file, markdown, path};

/// The command that writes the compared files.
const WRITE: &str = "THROUGHLINE_BLESS=1 cargo test --test docs configuration";
/// The lines around the tables in their document.
const AROUND: [&str; 2] =
    ["<!-- The gateway's sources generate this part. -->\n", "<!-- The end of the generated part. -->\n"];

/// Compares a file with its generated text, or writes it.
fn compare(name: &str, made: &str) {
    if std::env::var_os("THROUGHLINE_BLESS").is_some() {
        std::fs::write(path(name), made).expect("the file can be written");
    }
    assert!(file(name) == made, "{name} differs from its generated text; this command writes it: {WRITE}");
}

#[test]
fn the_tables_of_the_document_are_those_of_the_sections() {
    let document = file("docs/CONFIGURATION.md");
    let (before, rest) = document.split_once(AROUND[0]).expect("the beginning of the tables");
    let (_, after) = rest.split_once(AROUND[1]).expect("the end of the tables");
    let made = [before, AROUND[0], "\n", &reference::tables(), "\n", AROUND[1], after].concat();
    compare("docs/CONFIGURATION.md", &made);
}

#[test]
fn the_example_holds_every_key_with_its_default() {
    compare("examples/gateway.toml", &reference::example());
    let example = Config::from_toml(&file("examples/gateway.toml")).expect("the gateway accepts it");
    assert_eq!(format!("{example:?}"), format!("{:?}", Config::default()));
    let keys =
        file("examples/gateway.toml").lines().filter(|line| line.contains(" = ") && !line.starts_with("# ")).count();
    assert_eq!(keys, Config::default().settings().len());
}

#[test]
fn every_toml_of_the_documents_is_taken() {
    let mut taken = 0;
    for document in DOCUMENTS {
        let (blocks, prose) = markdown::split(&file(document));
        let blocks = blocks.into_iter().filter(|block| block.language() == "toml").map(|block| block.lines.join("\n"));
        let spans = markdown::code_spans(&prose).filter(|span| names_table(span) && span.contains(" = "));
        for text in blocks.chain(spans.map(str::to_owned)) {
            Config::from_toml(&text).unwrap_or_else(|why| panic!("{document}: {text}: {why}"));
            taken += 1;
        }
    }
    assert!(taken > 1, "none was found");
}

/// The documents for operators. PROTOCOL.md is not among them, because its names on the wire look the same.
const FOR_OPERATORS: [&str; 5] =
    ["docs/AUTH.md", "docs/CONFIGURATION.md", "docs/LIMITS.md", "docs/NETWORKS.md", "docs/OPERATING.md"];

/// A document names keys in this form: `limits.sessions`.
#[test]
fn every_key_that_a_document_names_with_its_table_is_a_key() {
    let rules = reference::rule_keys().into_iter().map(str::to_owned);
    let keys: Vec<String> = Config::default().settings().iter().map(Setting::name).chain(rules).collect();
    let mut named = 0;
    for document in FOR_OPERATORS {
        let (_, prose) = markdown::split(&file(document));
        let is_name = |span: &&str| {
            names_table(span) && span.bytes().all(|byte| b"._".contains(&byte) || byte.is_ascii_lowercase())
        };
        for span in markdown::code_spans(&prose).filter(is_name) {
            assert!(keys.iter().any(|key| key == span), "{document} names the key {span}, and there is none");
            named += 1;
        }
    }
    assert!(named > 5, "none was found");
}

/// Returns true if the span begins with the name of a table and a dot.
fn names_table(span: &str) -> bool {
    let table = span.split_once('.').map(|(table, _)| table);
    Config::default().settings().iter().any(|setting| Some(setting.table) == table)
}
