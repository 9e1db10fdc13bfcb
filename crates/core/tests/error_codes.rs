//! `docs/errors.md` lists every stable code of the project, each once.
//!
//! The table is compared with the sources themselves: a code is a string literal outside comments
//! and tests whose first word is one of the table's groups, or that is given to `Code::new`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use livegate_core::error::Code;

/// Literals of a code's form that name something else: places in a document, an event's kind.
const NOT_CODES: &[&str] = &["host.db", "id.at", "id.kind", "relay.state", "sei.custom"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The codes of the table's rows, `` | `sign.mismatch` | … ``, in their order.
fn listed() -> Vec<String> {
    let table = fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md is there");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(code, _)| code.to_owned()).collect()
}

fn group(code: &str) -> &str {
    code.split('.').next().unwrap_or_default()
}

fn is_well_formed(text: &str) -> bool {
    Code::new(text.to_owned().leak()).is_well_formed()
}

/// Every source of the workspace, without what only tests see.
fn sources() -> BTreeMap<PathBuf, String> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root().join("crates")).expect("there are crates") {
        folders.push(entry.expect("a crate's entry is readable").path().join("src"));
    }
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder's entry is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).expect("a source is UTF-8");
                found.insert(path, without_tests(&text));
            }
        }
    }
    found
}

/// Tests stand last in a file; comments hold no literals that count.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// What stands between quotes, where that is of a code's form. Which of two quotes opens does not
/// matter: what lies between two literals has spaces or punctuation.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|piece| piece.len() < 80 && is_well_formed(piece))
}

fn used() -> BTreeSet<String> {
    let groups: BTreeSet<String> = listed().iter().map(|code| group(code).to_owned()).collect();
    let mut used = BTreeSet::new();
    for text in sources().values() {
        let named = text.split("Code::new(\"").skip(1).filter_map(|rest| rest.split('"').next());
        used.extend(named.map(str::to_owned));
        let of_a_group = literals(text).filter(|piece| groups.contains(group(piece)));
        used.extend(of_a_group.map(str::to_owned));
    }
    used
}

#[test]
fn every_code_of_the_sources_is_in_the_table_and_the_reverse() {
    let listed: BTreeSet<String> = listed().into_iter().collect();
    let mut used = used();
    for not in NOT_CODES {
        assert!(used.remove(*not), "{not} does not occur any more: take it off the exceptions");
    }
    let missing: Vec<_> = used.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&used).collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    assert!(unknown.is_empty(), "in docs/errors.md and nowhere else: {unknown:?}");
}

#[test]
fn every_code_of_the_table_is_well_formed_and_there_once() {
    let listed = listed();
    assert!(listed.len() > 100, "{} rows: the table is not read as it is written", listed.len());
    let mut seen = BTreeSet::new();
    for code in &listed {
        assert!(is_well_formed(code), "{code}");
        assert!(seen.insert(code), "{code} is listed twice");
    }
}

#[test]
fn the_table_is_sorted_within_its_groups() {
    let listed = listed();
    let mut groups: Vec<&str> = listed.iter().map(|code| group(code)).collect();
    groups.dedup();
    let distinct: BTreeSet<&str> = groups.iter().copied().collect();
    assert_eq!(groups.len(), distinct.len(), "the rows of a group stand together: {groups:?}");
    for pair in listed.windows(2) {
        if let [one, next] = pair
            && group(one) == group(next)
        {
            assert!(one < next, "{one} stands before {next}");
        }
    }
}
