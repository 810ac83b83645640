//! The targets over their seeds, and over bytes that are made of them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::fs;
use std::path::Path;

use enfonet_fuzz::TARGETS;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_target_accepts_its_seeds() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 2, "{name} has seeds");
        seeds.iter().for_each(|seed| target(seed));
    }
}

#[test]
fn every_target_survives_cut_off_and_changed_seeds() {
    for (name, target) in TARGETS {
        for seed in seeds(name) {
            for at in 0..seed.len().min(300) {
                target(&seed[..at]);
                let mut changed = seed.clone();
                changed[at] ^= 0x81;
                target(&changed);
            }
        }
    }
}

#[test]
fn every_folder_of_seeds_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name}");
    }
}
