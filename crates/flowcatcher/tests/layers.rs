//! Who may depend on whom, and under which licences: the layer table of ARCHITECTURE.md against `cargo metadata`.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Each crate's layer. A crate may depend on lower layers only, so doors, edges and pure crates never on their like.
const LAYERS: &[(&str, u8)] = &[
    ("schema", 0),
    ("flow-meter", 1),
    ("detect", 1),
    ("capture", 2),
    ("bus", 2),
    ("store", 2),
    ("service", 2),
    ("predictor", 3),
    ("sink", 3),
    ("gateway", 3),
    ("trainer", 3),
    ("flowcatcher", 4),
];

/// Dependencies that belong in one room: only store knows SQL, only the gateway the API's framework, and so on.
const ROOMS: &[(&str, &str)] =
    &[("ort", "detect"), ("sqlx", "store"), ("actix-web", "gateway"), ("config", "service")];

/// What a crate without clock, file, socket, thread and log has no use for.
const NOT_PURE: &[&str] = &["anyhow", "memmap2", "rayon", "tempfile", "tokio", "tracing"];
const PURE: &[&str] = &["schema", "flow-meter", "detect"];

#[test]
fn arrows_point_down() {
    let complaints: Vec<String> = metadata()
        .workspace_packages()
        .iter()
        .flat_map(|package| {
            let shipped =
                package.dependencies.iter().filter(|found| found.kind != DependencyKind::Development);
            let names: BTreeSet<&str> = shipped.map(|found| found.name.as_str()).collect();
            check_crate(&package.name, &names)
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_table_names_no_crate_that_is_gone() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    for (name, _) in LAYERS {
        assert!(packages.iter().any(|package| package.name == *name), "{name} is in LAYERS and nowhere else");
    }
}

#[test]
fn licences_are_on_the_list() {
    let list = std::fs::read_to_string(Path::new(ROOT).join("deny.toml")).expect("deny.toml");
    let allowed = allowed_licences(&list);
    assert!(allowed.contains("MIT") && !allowed.iter().any(|name| name.contains("GPL")), "{allowed:?}");
    let complaints: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(|found| is_allowed(found, &allowed)))
        .map(|package| format!("{} {}: licence {:?}", package.name, package.version, package.license))
        .collect();
    assert!(complaints.is_empty(), "not on the list of deny.toml:\n{}", complaints.join("\n"));
}

fn check_crate(name: &str, dependencies: &BTreeSet<&str>) -> Vec<String> {
    let Some(own) = layer(name) else {
        return vec![format!("{name}: give it a place in LAYERS and in ARCHITECTURE.md")];
    };
    let mut complaints = Vec::new();
    for dependency in dependencies {
        if layer(dependency).is_some_and(|layer| layer >= own) {
            complaints.push(format!("{name} may not depend on {dependency}: arrows point down only"));
        }
        if let Some((_, room)) = ROOMS.iter().find(|(found, room)| found == dependency && *room != name) {
            complaints.push(format!("{name} may not depend on {dependency}: it belongs in {room}"));
        }
        if PURE.contains(&name) && NOT_PURE.contains(dependency) {
            complaints.push(format!("{name} may not depend on {dependency}: it is pure"));
        }
    }
    complaints
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(found, _)| *found == name).map(|(_, layer)| *layer)
}

/// The quoted names of `allow = [...]`.
fn allowed_licences(deny_toml: &str) -> BTreeSet<&str> {
    let list = deny_toml.split("\nallow = [").nth(1).and_then(|rest| rest.split(']').next());
    list.unwrap_or_default().split('"').skip(1).step_by(2).collect()
}

/// Whether an SPDX expression can be met: one side of each OR, both sides of each AND. `/` is the old way to write OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.trim();
    for (word, any) in [(" OR ", true), ("/", true), (" AND ", false)] {
        let parts = split_outside_brackets(expression, word);
        if parts.len() > 1 {
            let mut met = parts.iter().map(|part| is_allowed(part, allowed));
            return if any { met.any(|met| met) } else { met.all(|met| met) };
        }
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(expression),
    }
}

fn split_outside_brackets<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, _) in expression.match_indices(word) {
        let before = &expression[..at];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(&expression[from..at]);
            from = at + word.len();
        }
    }
    parts.push(&expression[from..]);
    parts
}

/// Of this platform only: what other platforms need has not been fetched, and need not be.
fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .manifest_path(Path::new(ROOT).join("Cargo.toml"))
        .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), platform])
        .exec()
        .expect("cargo metadata")
}

mod the_rules_can_fail {
    use super::*;

    #[test]
    fn layers() {
        let check = |name: &str, dependency: &str, expected: &[&str]| {
            assert_eq!(check_crate(name, &BTreeSet::from([dependency])), expected);
        };
        check("gateway", "store", &[]);
        check("gateway", "serde", &[]);
        check("store", "sqlx", &[]);
        check("gateway", "sink", &["gateway may not depend on sink: arrows point down only"]);
        check("bus", "gateway", &["bus may not depend on gateway: arrows point down only"]);
        check("detect", "flow-meter", &["detect may not depend on flow-meter: arrows point down only"]);
        check("gateway", "sqlx", &["gateway may not depend on sqlx: it belongs in store"]);
        check("flow-meter", "tokio", &["flow-meter may not depend on tokio: it is pure"]);
        check("novel", "serde", &["novel: give it a place in LAYERS and in ARCHITECTURE.md"]);
    }

    #[test]
    fn licences() {
        let allowed =
            allowed_licences("[licenses]\nallow = [\n  \"MIT\",\n  \"A WITH B\",\n  \"BSD-3-Clause\",\n]\n");
        let check = |expression: &str, expected: bool| {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        };
        check("MIT", true);
        check("GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT", true);
        check("GPL-3.0-only/MIT", true);
        check("MIT AND GPL-3.0-only", false);
        check("(GPL-3.0-only OR MIT) AND BSD-3-Clause", true);
        check("(GPL-3.0-only OR MIT) AND (AGPL-3.0-only OR LGPL-2.1)", false);
        check("A WITH B", true);
        check("A", false);
        check("", false);
    }
}
