//! House rules that clippy cannot check. They run with `cargo test`, so there is no second CI.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Lines of a file before its `#[cfg(test)]`; beyond that it holds two rooms.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function; beyond that two ideas live in it.
const FUNCTION_LINES_MAX: usize = 70;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "data", "helper", "helpers", "manager", "misc", "util", "utils"];
/// Put together here, so that this file does not accuse itself.
const LEFT_OVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore]"),
];
/// What holds on one machine only.
const MACHINE_PATHS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/t", "mp/")];
const TEXT_EXTENSIONS: &[&str] =
    &["css", "html", "js", "json", "md", "proto", "rs", "sh", "sql", "svelte", "toml", "ts", "yaml", "yml"];
const TEXT_FILES: &[&str] = &["bootstrap", "justfile", "run"];
const FOLDERS_NOT_OURS: &[&str] = &[".git", "flowcatcher-data", "node_modules", "testdata"];

#[test]
fn the_house_is_tidy() {
    let root = Path::new(ROOT);
    let mut complaints = Vec::new();
    let files = files(root);
    assert!(files.iter().filter(|path| has_extension(path, "rs")).count() > 30, "the walk finds no sources");
    for path in &files {
        let shown = path.strip_prefix(root).expect("inside").display().to_string();
        let text = fs::read_to_string(path).expect("our files are text");
        complaints.extend(check_text(&shown, &text));
        if has_extension(path, "rs") {
            complaints.extend(check_source(&shown, &text));
        }
        if has_extension(path, "md") {
            complaints.extend(check_links(&shown, &text, |target| path.with_file_name(target).exists()));
        }
    }
    complaints.extend(crates(root).iter().flat_map(|name| check_crate(root, name)));
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// What may stand in no file of ours.
fn check_text(path: &str, text: &str) -> Vec<String> {
    let found =
        |line: &str| LEFT_OVERS.iter().chain(MACHINE_PATHS).find(|word| line.contains(**word)).copied();
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| Some(format!("{path}:{}: {} does not belong here", at + 1, found(line)?)))
        .collect()
}

fn check_source(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//! ") {
        complaints.push(format!("{path}: opens without saying, after //!, what this room is for"));
    }
    let name = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&name) {
        complaints.push(format!("{path}: '{name}' says nothing about what is inside"));
    }
    let own: Vec<&str> = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
    if own.len() > FILE_LINES_MAX {
        complaints.push(format!("{path}: {} lines before its tests, {FILE_LINES_MAX} at most", own.len()));
    }
    for (from, lines) in functions(&own) {
        if lines > FUNCTION_LINES_MAX {
            complaints
                .push(format!("{path}:{from}: {lines} lines in a function, {FUNCTION_LINES_MAX} at most"));
        }
    }
    complaints
}

/// First line and number of lines of each function with a body of more than one line. Goes by rustfmt's indentation.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        if is_function(code) && !code.ends_with([';', '}']) {
            open.push((at, indent));
        } else if open.last().is_some_and(|(_, outer)| *outer == indent) {
            if code == "}" {
                found.extend(open.pop().map(|(from, _)| (from + 1, at - from + 1)));
            } else if code.starts_with(')') && code.ends_with(';') {
                open.pop();
            }
        }
    }
    found
}

fn is_function(code: &str) -> bool {
    let mut words = code.split([' ', '(']).skip_while(|word| {
        let modifiers = ["pub", "async", "const", "unsafe", "extern", "\"C\"", "crate)", "super)"];
        modifiers.contains(word)
    });
    words.next() == Some("fn")
}

/// Relative links of a page must lead somewhere.
fn check_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files
        .filter(|file| !file.is_empty() && !file.contains("://") && !exists(file))
        .map(|file| format!("{path}: the link to {file} leads nowhere"))
        .collect()
}

fn check_crate(root: &Path, name: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    if !read(&format!("crates/{name}/Cargo.toml")).contains("[lints]\nworkspace = true") {
        complaints.push(format!("crates/{name}/Cargo.toml: does not take the workspace's lints"));
    }
    if !read("ARCHITECTURE.md").contains(&format!("\n| `{name}` |")) {
        complaints.push(format!("ARCHITECTURE.md: the table of crates lacks {name}"));
    }
    let pure = ["flow-meter", "detect"].contains(&name);
    if pure && !read(&format!("crates/{name}/clippy.toml")).contains("std::time::Instant::now") {
        complaints.push(format!("crates/{name}/clippy.toml: does not ban the clock"));
    }
    complaints
}

fn crates(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("crates")).expect("crates").flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// All text files of ours under `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            if !FOLDERS_NOT_OURS.contains(&&*name) && !name.starts_with("target") {
                found.extend(files(&path));
            }
        } else if TEXT_EXTENSIONS.iter().any(|extension| has_extension(&path, extension))
            || TEXT_FILES.contains(&&*name)
        {
            found.push(path);
        }
    }
    found
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

mod the_rules_can_fail {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(check_text("a.md", "fine\n"), Vec::<String>::new());
        for word in LEFT_OVERS.iter().chain(MACHINE_PATHS) {
            let said = check_text("a.md", &format!("fine\n// {word} x\n"));
            assert_eq!(said, [format!("a.md:2: {word} does not belong here")]);
        }
    }

    #[test]
    fn sources() {
        let check =
            |path: &str, text: &str, expected: &[&str]| assert_eq!(check_source(path, text), expected);
        check("a.rs", "//! A room.\n", &[]);
        check("a.rs", "use b;\n", &["a.rs: opens without saying, after //!, what this room is for"]);
        check("b/utils.rs", "//! X.\n", &["b/utils.rs: 'utils' says nothing about what is inside"]);
        let long = format!("//! X.\n{}", "\n".repeat(500));
        check("a.rs", &long, &["a.rs: 501 lines before its tests, 500 at most"]);
        check("a.rs", &long.replacen("\n\n", "\n#[cfg(test)]\n", 1), &[]);
    }

    #[test]
    fn functions_by_length() {
        let body = |lines| "        call();\n".repeat(lines);
        for start in
            ["fn f() {", "pub fn f() {", "pub(crate) async fn f() {", "const fn f(\n        a: u8,\n    ) {"]
        {
            let lines = start.lines().count();
            let text =
                |extra| format!("//! X.\nimpl A {{\n    {start}\n{}    }}\n}}\n", body(68 - lines + extra));
            assert_eq!(check_source("a.rs", &text(0)), Vec::<String>::new(), "{start}");
            assert_eq!(check_source("a.rs", &text(1)), Vec::<String>::new(), "{start}");
            assert_eq!(
                check_source("a.rs", &text(2)),
                ["a.rs:3: 71 lines in a function, 70 at most"],
                "{start}"
            );
        }
        let declared = format!("//! X.\ntrait A {{\n    fn f(\n        a: u8,\n    );\n{}}}\n", body(80));
        assert_eq!(check_source("a.rs", &declared), Vec::<String>::new());
    }

    #[test]
    fn links() {
        let check = |text: &str| check_links("a.md", text, |target| target == "b.md");
        assert_eq!(check("[b](b.md) [b](b.md#part) [c](https://c.example) [d](#d)"), Vec::<String>::new());
        assert_eq!(check("[b](c.md#part)"), ["a.md: the link to c.md leads nowhere"]);
    }

    #[test]
    fn manifests() {
        let empty = tempfile::tempdir().expect("folder");
        let said = check_crate(empty.path(), "detect");
        assert_eq!(said.len(), 3, "{said:?}");
    }
}
