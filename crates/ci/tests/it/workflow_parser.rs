//! GitHub's own parser of workflow files, npm's `@actions/workflow-parser`, agrees: what davit accepts it accepts, and
//! where it finds a mistake davit does too. The package is not part of this repository: `DAVIT_WORKFLOW_PARSER` names
//! its directory, and without that nothing is compared.
//!
//! davit refuses more: what it does not support.

use crate::corpus::files;
use davit_ci::read_workflow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_other_parser_accepts_what_davit_accepts() {
    let Some(package) = std::env::var_os("DAVIT_WORKFLOW_PARSER") else { return };
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in files("valid").into_iter().chain(files("invalid")) {
        variants(&name, &text, &mut texts);
        texts.insert(name, text);
    }
    let theirs = other_parser(Path::new(&package), &texts);
    assert_eq!(theirs.len(), texts.len());
    let (accepted, refused): (Vec<_>, Vec<_>) =
        texts.iter().partition(|(name, text)| read_workflow(name, text).is_ok());
    let differences = accepted.iter().filter(|(name, _)| !theirs[*name].is_empty());
    let differences: Vec<String> =
        differences.map(|(name, text)| format!("{name}: {:#?}\n{text}", theirs[*name])).collect();
    assert!(differences.is_empty(), "only the other parser refuses these:\n{}", differences.join("\n"));
    assert!(accepted.len() > 100 && refused.len() > 100, "{} and {}", accepted.len(), refused.len());
}

/// The file with each line left out, and with each line indented further, and the words of each line exchanged.
fn variants(name: &str, text: &str, texts: &mut BTreeMap<String, String>) {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for index in 0..lines.len() {
        let mut changed = |kind: &str, line: Option<String>| {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            match line {
                Some(line) => lines[index] = line,
                None => {
                    lines.remove(index);
                }
            }
            texts.insert(format!("{name} {kind} {index}"), lines.join("\n") + "\n");
        };
        changed("without", None);
        changed("indented", Some(format!("  {}", lines[index])));
        if let Some((key, value)) = lines[index].split_once(": ") {
            changed("empty", Some(format!("{key}:")));
            changed("listed", Some(format!("{key}: [{value}]")));
            changed("number", Some(format!("{key}: 1")));
            changed("expression", Some(format!("{key}: ${{{{ github.sha }}}}")));
            changed("renamed", Some(format!("{key}x: {value}")));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing else runs in this test")]
fn other_parser(package: &Path, texts: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workflow-parser.mjs");
    let mut node = Command::new("node");
    node.arg(script).arg(package).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = node.spawn().expect("Node.js is installed");
    let input = serde_json::to_vec(texts).expect("JSON");
    child.stdin.take().expect("piped").write_all(&input).expect("node reads");
    let output = child.wait_with_output().expect("node ends");
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).expect("node writes JSON")
}
