//! Puts the page into the program: with its modules and its style sheets it becomes one file. Each file is compressed, with
//! its type and a tag that changes with its content.

mod bundle;

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The types of files that the page may have. Another one would be served as something else than it is.
const TYPES: [(&str, &str); 9] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("woff2", "font/woff2"),
];

/// The strongest compression. It takes part of a second for the whole page.
const LEVEL: u8 = 10;

fn main() {
    let root = Path::new("page");
    println!("cargo::rerun-if-changed=page");
    println!("cargo::rerun-if-changed=bundle.rs");
    let files = files(root);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut code = String::from("&[\n");
    for (number, (name, bytes)) in files.iter().enumerate() {
        let extension = name.rsplit('.').next().unwrap_or_default();
        let known = TYPES.iter().find(|(known, _)| extension == *known);
        let (_, kind) = known.unwrap_or_else(|| panic!("{name}: of no known type"));
        let packed = gzip(bytes);
        let smaller = packed.len() < bytes.len();
        // The code names it without its folder: a target folder that is moved stays whole.
        let stored = format!("page{number}");
        fs::write(out.join(&stored), if smaller { &packed } else { bytes })
            .expect("OUT_DIR can be written");
        let tag = format!("{:08x}-{:x}", crc32fast::hash(bytes), bytes.len());
        writeln!(
            code,
            "File {{ path: \"/{name}\", kind: {kind:?}, tag: \"\\\"{tag}\\\"\", gzip: {smaller}, \
             bytes: include_bytes!({stored:?}) }},"
        )
        .expect("a String takes everything");
    }
    code.push(']');
    fs::write(out.join("page.rs"), code).expect("OUT_DIR can be written");
}

/// Returns the files that are served, by their paths.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut paths = Vec::new();
    collect(root, &mut paths);
    let read =
        |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = |path: &str| {
        String::from_utf8(read(&root.join(path))).unwrap_or_else(|_| panic!("{path}: no UTF-8"))
    };
    let page = bundle::page(&text("index.html"), &text);
    // By these the policy of the page knows its script and its style, and lets no other be run.
    println!("cargo::rustc-env=PAGE_SCRIPT_HASH={}", hash(&page.script));
    println!("cargo::rustc-env=PAGE_STYLE_HASH={}", hash(&page.style));
    let mut files = BTreeMap::from([("index.html".to_owned(), page.html.into_bytes())]);
    for path in &paths {
        let name = path.strip_prefix(root).expect("it was found there").to_str();
        let name = name.unwrap_or_else(|| panic!("{}: no UTF-8", path.display()));
        if name != "index.html" && !name.ends_with(".js") && !name.ends_with(".css") {
            files.insert(name.to_owned(), read(path));
        }
    }
    files
}

/// Returns what a Content Security Policy calls an inline script or style.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", data_encoding::BASE64.encode(&Sha256::digest(text)))
}

/// Collects all files below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder of the page").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Compresses bytes as a gzip file without name and time (RFC 1952).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    out.extend(miniz_oxide::deflate::compress_to_vec(bytes, LEVEL));
    out.extend(crc32fast::hash(bytes).to_le_bytes());
    let len = u32::try_from(bytes.len()).expect("a page is small");
    out.extend(len.to_le_bytes());
    out
}
