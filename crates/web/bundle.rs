//! Makes one file of the page, its modules and its style sheets, so that a browser asks once instead of 24 times.
//!
//! It knows only what the page has: imports and exports at the beginning of a line, or of a statement in a library that is
//! one line; no circles; no exported name that changes. Everything else fails the build.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Returns one script with a module and all that it imports. `read` returns the text of a file.
///
/// Each module becomes a function that returns what it exports. A module that is imported with `import(…)` alone runs when it
/// is first asked for.
pub(crate) fn script(entry: &str, read: &dyn Fn(&str) -> String) -> String {
    let mut bundle =
        Bundle { read, known: BTreeMap::new(), out: String::from("'use strict';(()=>{\n") };
    bundle.add(entry, false);
    bundle.out.push_str("})();\n");
    bundle.out
}

/// Returns the text of style sheets without the lines that are comments.
pub(crate) fn style(sheets: impl IntoIterator<Item = String>) -> String {
    let mut out = String::new();
    for sheet in sheets {
        assert!(
            !sheet.contains("url("),
            "a style sheet is moved: nothing in it may be relative to it"
        );
        for line in sheet.lines().map(str::trim) {
            if !(line.is_empty() || line.starts_with("/*") && line.ends_with("*/")) {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// The page as it is served: one file, with the script and the style in it.
pub(crate) struct Page {
    pub(crate) html: String,
    /// What is between the tags of the script, as the browser hashes it.
    pub(crate) script: String,
    /// The same of the style.
    pub(crate) style: String,
}

/// Puts all modules and style sheets of a page into it: the style where the first sheet is named, the script at the end of
/// the body. `read` returns the text of a file.
pub(crate) fn page(html: &str, read: &dyn Fn(&str) -> String) -> Page {
    const STYLE: &str = "<style></style>\n";
    let (mut out, mut entry, mut sheets) = (String::new(), None, Vec::new());
    for line in html.lines() {
        let attribute = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        if line.contains("rel=\"modulepreload\"") {
            continue;
        }
        if line.contains("type=\"module\"") {
            assert!(entry.is_none(), "the page has one script");
            entry = attribute("src");
        } else if line.contains("rel=\"stylesheet\"") {
            if sheets.is_empty() {
                out.push_str(STYLE);
            }
            sheets.extend(attribute("href"));
        } else {
            out.push_str(line.trim());
            out.push('\n');
        }
    }
    let script = script(&entry.expect("the page has a script"), read);
    let style = style(sheets.iter().map(|sheet| read(sheet)));
    for (text, ends) in [(&script, "</script"), (&script, "<!--"), (&style, "</style")] {
        assert!(!text.to_lowercase().contains(ends), "{ends} would end it, or begin a comment");
    }
    assert_eq!(out.matches("</body>").count(), 1, "the page has a body");
    let html = out.replace("</body>", &format!("<script>{script}</script>\n</body>")).replacen(
        STYLE,
        &format!("<style>{style}</style>\n"),
        1,
    );
    Page { html, script, style }
}

struct Bundle<'a> {
    read: &'a dyn Fn(&str) -> String,
    /// The modules so far, with whether they wait until they are asked for; `None` while what they import is looked for.
    known: BTreeMap<String, Option<bool>>,
    out: String,
}

/// Exported names, with the names that they have in the module.
type Exports = Vec<(String, String)>;

impl Bundle<'_> {
    /// Adds a module behind all that it imports.
    fn add(&mut self, path: &str, waits: bool) {
        match self.known.get(path) {
            Some(Some(before)) => {
                assert_eq!(*before, waits, "{path} is imported in both ways");
                return;
            }
            Some(None) => panic!("{path} imports itself, by others"),
            None => {}
        }
        self.known.insert(path.to_owned(), None);
        let text = (self.read)(path);
        let mut exports = Exports::new();
        let mut body = String::new();
        for line in text.lines() {
            let start = line.trim_start();
            if start.is_empty() || start.starts_with("//") {
                continue;
            }
            let line = self.imports(path, line, &mut body);
            let line = self.calls(path, &line);
            exported(path, &line, &mut body, &mut exports);
        }
        let list: Vec<_> = exports
            .iter()
            .map(
                |(name, inside)| {
                    if name == inside { name.clone() } else { format!("{name}:{inside}") }
                },
            )
            .collect();
        let name = variable(path);
        let list = list.join(",");
        let wrapped = match waits {
            false => format!("const {name}=(()=>{{\n{body}return{{{list}}}}})();\n"),
            true => format!("const {name}=()=>{name}.m??=(()=>{{\n{body}return{{{list}}}}})();\n"),
        };
        self.out.push_str(&wrapped);
        self.known.insert(path.to_owned(), Some(waits));
    }

    /// Takes `import … from "…";` from the beginning of a line, and adds what does the same. Returns the rest.
    fn imports(&mut self, path: &str, line: &str, body: &mut String) -> String {
        let Some(rest) = line.strip_prefix("import") else { return line.to_owned() };
        if !rest.starts_with([' ', '{']) {
            return line.to_owned();
        }
        let (statement, rest) = rest.split_once(';').unwrap_or_else(|| panic!("{path}: {line}"));
        let (names, from) =
            statement.rsplit_once("from").unwrap_or_else(|| panic!("{path}: {line}"));
        let from = beside(path, from.trim().trim_matches(['\'', '"']));
        self.add(&from, false);
        let names = match names.trim().strip_prefix('{') {
            Some(names) => {
                let names = names.trim_end().trim_end_matches('}').split(',');
                let names: Vec<_> = names.map(|name| name.trim().replace(" as ", ":")).collect();
                names.join(",")
            }
            None => format!("default:{}", names.trim()),
        };
        writeln!(body, "const{{{names}}}={};", variable(&from)).expect("a String takes everything");
        rest.to_owned()
    }

    /// Replaces `import('…')` in a line.
    fn calls(&mut self, path: &str, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("import('") {
            let (from, after) = after.split_once("')").unwrap_or_else(|| panic!("{path}: {line}"));
            let from = beside(path, from);
            self.add(&from, true);
            write!(out, "{before}Promise.resolve({}())", variable(&from))
                .expect("a String takes everything");
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// Adds a line without its `export`, and notes what it exports.
fn exported(path: &str, line: &str, body: &mut String, exports: &mut Exports) {
    // A library is one line: its names are listed at its end.
    let list = line.rsplit_once("export{").or_else(|| line.rsplit_once("export {"));
    if let Some((before, list)) = list {
        let list = list.trim_end().trim_end_matches(';').trim_end_matches('}');
        for name in list.split(',') {
            let (inside, name) =
                name.trim().split_once(" as ").unwrap_or_else(|| (name.trim(), name.trim()));
            exports.push((name.to_owned(), inside.to_owned()));
        }
        *body += before;
    } else if let Some((before, value)) = line.split_once("export default ") {
        exports.push(("default".to_owned(), "$default".to_owned()));
        *body += before;
        *body += "const $default=";
        *body += value;
    } else if let Some(rest) = line.strip_prefix("export ") {
        let words = rest.strip_prefix("async ").unwrap_or(rest);
        let name =
            ["const ", "function ", "class "].iter().find_map(|kind| words.strip_prefix(kind));
        let name =
            name.unwrap_or_else(|| panic!("{path}: what it exports must not change: {line}"));
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
        let name = &name[..end.unwrap_or(name.len())];
        exports.push((name.to_owned(), name.to_owned()));
        *body += rest;
    } else {
        *body += line;
    }
    body.push('\n');
}

/// Returns the name of the variable that has what a module exports.
fn variable(path: &str) -> String {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".js");
    format!("${}", stem.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// Returns a path that is given relative to another file.
fn beside(path: &str, relative: &str) -> String {
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
