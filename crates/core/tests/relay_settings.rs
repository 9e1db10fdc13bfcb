//! docs/spec/relay.md has every setting of a relay host, with its default and its bounds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use livegate_core::relay::host::Settings;
use livegate_core::relay::lease::LeaseSettings;
use livegate_core::relay::link::LinkSettings;
use livegate_core::relay::settings::Setting;

fn all() -> Vec<Setting> {
    Settings::table().chain(LeaseSettings::TABLE).chain(LinkSettings::TABLE).copied().collect()
}

#[test]
fn the_page_and_the_tables_say_the_same() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/relay.md");
    let page = fs::read_to_string(page).expect("docs/spec/relay.md is there");
    let parts = page.split("| setting | default | bounds | is |\n").skip(1);
    let tables = parts.flat_map(|part| part.lines().take_while(|line| line.starts_with('|')));
    let rows: BTreeSet<String> = tables
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.rsplitn(3, '|').nth(2).map(|row| row.trim_end().to_owned()))
        .collect();
    let expected: BTreeSet<String> = all()
        .into_iter()
        .map(|Setting { name, default, min, max }| {
            format!("| `{name}` | {default} | {min} to {max}")
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn every_default_is_within_its_bounds_and_every_name_is_there_once() {
    let mut names = BTreeSet::new();
    for Setting { name, default, min, max } in all() {
        assert!(min <= default && default <= max, "{name}");
        assert!(names.insert(name), "{name} is there twice");
    }
}
