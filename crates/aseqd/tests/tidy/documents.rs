//! Links in documents lead somewhere, and nothing but `packages/owner.toml` has what only the owner can fill in.

use crate::{files, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn links_in_documents_lead_somewhere() {
    let root = root();
    let mut documents = Vec::new();
    files(&root, &mut documents);
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.retain(|path| !path.components().any(|part| part.as_os_str() == "node_modules"));
    assert!(documents.len() > 40, "{} documents", documents.len());
    let dead: Vec<_> = documents.iter().flat_map(|document| dead_links(document)).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn a_planted_dead_link_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("page.md");
    let text = "# One `sequencer` for all\n[a](page.md) [b](#one-sequencer-for-all) [c](page.md#two) [d](gone.md)\n\
        ```sh\nx=$(y)[e](gone-too.md)\n# Not a head\n```\n<img src=\"gone.svg\"> [f](#not-a-head)\n";
    fs::write(&document, text).expect("a file");
    let dead = dead_links(&document);
    let links: Vec<_> = dead.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(links, ["page.md#two", "gone.md", "#not-a-head", "gone.svg"]);
}

/// Returns a line for each link of a document to a file or a head that does not exist.
fn dead_links(document: &Path) -> Vec<String> {
    let text = prose(&fs::read_to_string(document).expect("text"));
    let folder = document.parent().expect("a folder");
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let pictures = text.split("<img src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut dead = Vec::new();
    for link in links.chain(pictures) {
        if link.starts_with("http") || link.starts_with("mailto:") {
            continue;
        }
        let (file, head) = link.split_once('#').unwrap_or((link, ""));
        let file: PathBuf = match file {
            "" => document.to_owned(),
            file => folder.join(file),
        };
        let is_dead = !file.exists()
            || (!head.is_empty()
                && file.extension().is_some_and(|extension| extension == "md")
                && !heads(&fs::read_to_string(&file).expect("text")).contains(&head.to_owned()));
        if is_dead {
            dead.push(format!("{}: {link}", document.display()));
        }
    }
    dead
}

/// Returns a document without its blocks of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Returns the names by which GitHub links the heads of a document.
fn heads(text: &str) -> Vec<String> {
    let text = prose(text);
    let heads = text.lines().filter(|line| line.starts_with('#'));
    heads.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn anchor(head: &str) -> String {
    let kept = head.to_lowercase();
    kept.chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

/// The script prints what differs, and placeholders.
#[test]
fn only_one_file_is_the_owners() {
    let root = root();
    let in_git = Command::new("git").args(["rev-parse", "--git-dir"]).current_dir(&root).output();
    if !in_git.is_ok_and(|output| output.status.success()) {
        return skip::skip(
            "this is no clone of the repository: scripts/owner asks git for its files",
        );
    }
    let output = Command::new(root.join("scripts/owner")).arg("--check").output().expect("bash");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
