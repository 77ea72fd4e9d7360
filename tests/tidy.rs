//! Checks the rules of `src/ARCHITECTURE.md` that the compiler does not: layers, names, who may import what.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules of one layer do not import each other; a module imports only from layers above it in this list.
const LAYERS: &[&[&str]] = &[
    &["data", "telemetry", "failpoints"],
    &["config", "codec"],
    &["plugin"],
    &["kafka", "schema_registry"],
    &["converters", "transforms", "connectors"],
    &["storage"],
    &["cluster", "worker"],
    &["herder"],
    &["rest"],
    &["builtin_plugins", "app", "cli", "lib", "main"],
];

/// Names that say nothing about what a module answers.
const BANNED_MODULES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager", "types", "core"];

struct SourceFile {
    /// Below `src`, with `/`.
    path: String,
    text: String,
}

impl SourceFile {
    /// The folder or file directly below `src`.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Lines of code with their numbers; comments and documentation left out.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        lines.filter(|(_, line)| !line.starts_with("//"))
    }
}

fn sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(SourceFile { path: path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"), text });
            }
        }
    }
    assert!(found.len() > 10, "no sources found");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules that follow `crate::` anywhere in a line, `{a, b}` groups included.
fn crate_modules(line: &str) -> Vec<String> {
    let word = |text: &str| -> String { text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut modules = Vec::new();
    for after in line.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => modules.push(word(after)),
            Some(group) => {
                let (mut depth, mut start) = (0, 0);
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' | ',' if depth == 0 => {
                            modules.push(word(&group[start..index]));
                            start = index + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
        }
    }
    modules.retain(|module| !module.is_empty());
    modules
}

fn report(rule: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "{rule}:\n{}\n", violations.join("\n"));
}

#[test]
fn modules_import_only_from_lower_layers() {
    let mut violations = Vec::new();
    for file in sources() {
        let own = file.module().to_owned();
        let Some(own_layer) = layer(&own) else {
            violations.push(format!("src/{}: module '{own}' has no layer; add it to ARCHITECTURE.md and to LAYERS", file.path));
            continue;
        };
        for (number, line) in file.code_lines() {
            for module in crate_modules(line) {
                let allowed = module == own || layer(&module).is_none_or(|other| other < own_layer);
                if !allowed && own_layer < LAYERS.len() - 1 {
                    violations.push(format!("src/{}:{number}: '{own}' may not use '{module}'", file.path));
                }
            }
        }
    }
    report("a file uses only modules of lower layers", violations);
}

#[test]
fn connectors_do_not_import_each_other() {
    let mut violations = Vec::new();
    for file in sources() {
        let Some(own) = file.path.strip_prefix("connectors/").and_then(|rest| rest.split_once('/')).map(|(folder, _)| folder)
        else {
            continue;
        };
        for (number, line) in file.code_lines() {
            for after in line.split("connectors::").skip(1) {
                if !after.starts_with(own) {
                    violations.push(format!("src/{}:{number}: {line}", file.path));
                }
            }
        }
    }
    report("a connector imports no other connector", violations);
}

#[test]
fn every_file_begins_with_the_question_it_answers() {
    let violations = sources()
        .into_iter()
        .filter(|file| !["lib.rs", "main.rs"].contains(&file.path.as_str()))
        .filter(|file| !file.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 12))
        .map(|file| format!("src/{}", file.path))
        .collect();
    report("the first line of a file is its module doc", violations);
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let banned = |part: &str| BANNED_MODULES.contains(&part.trim_end_matches(".rs"));
    let violations = sources().into_iter().filter(|file| file.path.split('/').any(banned)).map(|file| file.path).collect();
    report("module names are the domain's nouns", violations);
}

#[test]
fn only_their_own_module_imports_kafka_client_and_web_server() {
    only_in("rdkafka", &["kafka"]);
    only_in("axum", &["rest"]);
    only_in("mysql_async", &["connectors/mysql"]);
    only_in("hdfs_native", &["connectors/hdfs"]);
}

#[test]
fn only_supervisor_and_app_spawn_unowned_tasks() {
    only_in("tokio::spawn", &["worker/supervisor.rs", "app.rs"]);
    only_in("task::spawn(", &["worker/supervisor.rs", "app.rs"]);
}

/// Checks that code containing `text` lies only below these paths.
fn only_in(text: &str, places: &[&str]) {
    let mut violations = Vec::new();
    for file in sources() {
        // "kafka" stands for kafka.rs and for everything in kafka/, not for kafka_something.
        let inside =
            |place: &&str| file.path.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']));
        if places.iter().any(inside) {
            continue;
        }
        // Unit tests come last in a file, or lie in a tests.rs; they may use what they need.
        let code = file.code_lines().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
        let hits = code.filter(|(_, line)| !file.path.ends_with("/tests.rs") && names(line, text));
        violations.extend(hits.map(|(number, line)| format!("src/{}:{number}: {line}", file.path)));
    }
    report(&format!("'{text}' is used only in {places:?}"), violations);
}

/// Whether the line contains `text` as a path of its own: `axum::`, not `my_axum` or "axum" in a longer word.
fn names(line: &str, text: &str) -> bool {
    let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let complete = text.ends_with('(') || text.contains("::");
    line.match_indices(text).any(|(start, _)| {
        let after = &line[start + text.len()..];
        !part_of_word(line[..start].chars().next_back()) && (complete || after.starts_with("::"))
    })
}

#[test]
fn finds_the_modules_of_a_use_line() {
    assert_eq!(crate_modules("use crate::data::{Schema, Value};"), ["data"]);
    assert_eq!(crate_modules("use crate::{config::{A, B}, data, plugin::x};"), ["config", "data", "plugin"]);
    assert_eq!(crate_modules("let x = crate::kafka::murmur2(crate::data::key());"), ["kafka", "data"]);
    assert!(names("use rdkafka::Message;", "rdkafka"));
    assert!(!names("let class = \"org.rdkafka\";", "rdkafka"));
}

#[test]
fn nothing_is_left_to_do() {
    let marks = ["TODO", "FIXME"];
    let mut violations = Vec::new();
    for file in sources() {
        for (index, line) in file.text.lines().enumerate() {
            let has = |text: &str, marks: &[&str]| text.split(|c: char| !c.is_alphanumeric()).any(|word| marks.contains(&word));
            // Java's date patterns have a zone `XXX`, so that mark counts in comments only.
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            if has(line, &marks) || has(comment, &["XXX"]) {
                violations.push(format!("src/{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    report("open work is an issue, not a mark in the code", violations);
}
