//! The targets of the documents' links and paths exist.

use std::path::{Path, PathBuf};

use crate::{DOCUMENTS, file, markdown};

#[test]
fn every_relative_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    for document in DOCUMENTS {
        let (_, prose) = markdown::split(&file(document));
        for target in prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let beside = Path::new(document).parent().unwrap_or(Path::new(""));
            let path = if path.is_empty() { PathBuf::from(document) } else { beside.join(path) };
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            assert!(root.join(&path).exists(), "{document} links to {target}, which is not there");
            if !anchor.is_empty() {
                let (_, prose) = markdown::split(&file(&path.to_string_lossy()));
                let known = headings(&prose).any(|heading| heading == anchor);
                assert!(known, "{document} links to {target}, where no such heading is");
            }
        }
    }
}

/// Returns the headings as anchors.
fn headings(prose: &str) -> impl Iterator<Item = String> {
    let heading = |line: &str| {
        let text = line.strip_prefix('#')?.trim_start_matches('#').trim();
        let kept = |letter: &char| letter.is_alphanumeric() || *letter == ' ' || *letter == '-' || *letter == '_';
        let text: String = text.to_lowercase().chars().filter(kept).collect();
        Some(text.replace(' ', "-"))
    };
    prose.lines().filter_map(heading)
}

#[test]
fn every_path_named_in_a_document_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let roots = ["src/", "tests/", "client-js/", "benches/", "examples/", "ops/", ".ci/"];
    for document in DOCUMENTS {
        let text = file(document);
        for span in markdown::code_spans(&markdown::split(&text).1) {
            let is_path = roots.iter().any(|root| span.starts_with(root))
                && !span.contains(|letter: char| letter.is_whitespace() || "*{<".contains(letter));
            let beside = root.join(document).with_file_name(span);
            assert!(
                !is_path || root.join(span).exists() || beside.exists(),
                "{document} names {span}, which is not there"
            );
        }
    }
}

/// The documents leave with the repository, and must make sense without anything around it.
#[test]
fn no_document_names_a_place_outside_of_the_repository() {
    for document in DOCUMENTS {
        for (line, content) in (1..).zip(file(document).lines()) {
            for foreign in ["](/", "](../..", "file://", " /home/", " /tmp/", "`/tmp/"] {
                assert!(!content.contains(foreign), "{document}:{line} names {foreign:?}");
            }
        }
    }
}
