//! The targets without a fuzzer: each takes its seeds, and all that a fuzzer ever found.

use std::fs;
use std::path::Path;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("frames", super::frames),
    ("bodies", super::bodies),
    ("websocket_frames", super::websocket_frames),
    ("session", super::session),
    ("hub", super::hub),
];

#[test]
fn every_target_takes_its_seeds() {
    for (name, target) in TARGETS {
        let seeds = super::seeds::of(name);
        assert!(seeds.len() >= 50, "{name} has {}", seeds.len());
        seeds.iter().for_each(|seed| target(seed));
    }
}

#[test]
fn what_a_fuzzer_found_stays_fixed() {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/findings");
    for folder in fs::read_dir(findings).expect("the folder of findings").map(|entry| entry.expect("a name").path()) {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        let name = folder.file_name().unwrap_or_default();
        let (_, target) = TARGETS.into_iter().find(|(known, _)| name == *known).expect("a folder has a target's name");
        for file in files.map(|entry| entry.expect("a name").path()) {
            println!("{}", file.display());
            target(&fs::read(file).expect("a finding"));
        }
    }
}

#[test]
fn every_target_has_its_program() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    let programs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets")).expect("the programs");
    assert_eq!(programs.count(), TARGETS.len());
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
    }
}
