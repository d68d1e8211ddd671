//! The files of the page, which are in the program.

/// A file of the page. `build.rs` makes the page itself of its sources.
pub(crate) struct File {
    /// Its path in the address, `/icon.svg`.
    pub(crate) path: &'static str,
    /// The type of its content.
    pub(crate) kind: &'static str,
    /// The entity tag, in quotes.
    pub(crate) tag: &'static str,
    /// Whether `bytes` are a gzip file.
    pub(crate) gzip: bool,
    pub(crate) bytes: &'static [u8],
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Bytes before and after the compressed data of a gzip file without name.
const GZIP_HEAD: usize = 10;
const GZIP_TAIL: usize = 8;

/// Returns the file at a path. `/` is the page itself. There are no other paths: nothing is read from a disk.
pub(crate) fn file(path: &str) -> Option<&'static File> {
    let path = if path == "/" { "/index.html" } else { path };
    FILES.iter().find(|file| file.path == path)
}

impl File {
    /// Returns the content as it was before the compression, for clients that do not know gzip.
    pub(crate) fn plain(&self) -> Vec<u8> {
        if !self.gzip {
            return self.bytes.to_vec();
        }
        let end = self.bytes.len().saturating_sub(GZIP_TAIL);
        let data = self.bytes.get(GZIP_HEAD..end).unwrap_or_default();
        // It was compressed by the same library when the program was built.
        miniz_oxide::inflate::decompress_to_vec(data).unwrap_or_default()
    }
}

/// What `build.rs` makes the script with.
#[cfg(test)]
#[path = "../bundle.rs"]
mod bundle;

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes that the whole page may have on the wire, without licences.
    const MOST: usize = 80_000;

    #[test]
    fn files_that_are_served_as_they_are_have_not_changed() {
        for file in FILES.iter().filter(|file| file.path != "/index.html") {
            let path = format!("page{}", file.path);
            assert_eq!(file.plain(), std::fs::read(&path).expect("a file"), "{path}");
        }
        let tags: std::collections::BTreeSet<_> = FILES.iter().map(|file| file.tag).collect();
        assert_eq!(tags.len(), FILES.len(), "tags tell files apart");
    }

    /// Returns the page without its script and its style, and these.
    fn parts() -> (String, String, String) {
        let page = String::from_utf8(file("/").expect("a file").plain()).expect("UTF-8");
        let cut = |tag: &str| {
            let (before, rest) = page.split_once(&format!("<{tag}>")).expect("a tag");
            let (inside, after) = rest.split_once(&format!("</{tag}>")).expect("its end");
            (format!("{before}{after}"), inside.to_owned())
        };
        let (_, style) = cut("style");
        let (rest, script) = cut("script");
        (rest.replace(&format!("<style>{style}</style>"), ""), script, style)
    }

    /// Each request costs a browser some milliseconds. What is left is the icon.
    #[test]
    fn the_page_needs_one_request() {
        let (page, script, style) = parts();
        assert_eq!(page.matches("src=").count() + page.matches("href=").count(), 1, "{page}");
        assert!(page.contains("href=\"icon.svg\""), "{page}");
        assert!(!style.contains("@import"));
        for module in std::fs::read_dir("page/js").expect("modules") {
            let name = module.expect("a module").file_name().into_string().expect("UTF-8");
            let variable = format!("const ${}=", name.trim_end_matches(".js"));
            assert_eq!(script.matches(&variable).count(), 1, "{name}");
        }
        let statement = |line: &str| line.starts_with("import") || line.starts_with("export");
        assert_eq!(script.lines().find(|line| statement(line)), None);
    }

    #[test]
    fn a_bundle_keeps_what_modules_mean() {
        let read = |path: &str| {
            let text = match path {
                "js/main.js" => {
                    "// says\nimport { a, b as c } from './one.js';\nimport d from '../lib/two.js';\nimport('./late.js').then(a);\n"
                }
                "js/one.js" => "export const a = 1;\nexport function b(x) {\n  return x;\n}\n",
                "lib/two.js" => {
                    "/*! MIT */\nimport{a as n}from\"../js/one.js\";var t=n;export default t;"
                }
                "js/late.js" => {
                    "import { a } from './one.js';\nexport class Late {}\nexport async function later() {}\n"
                }
                other => panic!("{other}"),
            };
            text.to_owned()
        };
        assert_eq!(
            bundle::script("js/main.js", &read),
            "'use strict';(()=>{\n\
             const $one=(()=>{\nconst a = 1;\nfunction b(x) {\n  return x;\n}\nreturn{a,b}})();\n\
             const $two=(()=>{\n/*! MIT */\nconst{a:n}=$one;\nvar t=n;const $default=t;\nreturn{default:$default}})();\n\
             const $late=()=>$late.m??=(()=>{\nconst{a}=$one;\n\nclass Late {}\nasync function later() {}\nreturn{Late,later}})();\n\
             const $main=(()=>{\nconst{a,b:c}=$one;\n\nconst{default:d}=$two;\n\nPromise.resolve($late()).then(a);\nreturn{}})();\n\
             })();\n"
        );
    }

    #[test]
    fn style_sheets_and_modules_become_one_of_each() {
        let sheets = ["/* One. */\na { b: c; }\n", "\n  d { e: f; } /* kept */\n"];
        let style = bundle::style(sheets.map(str::to_owned));
        assert_eq!(style, "a { b: c; }\nd { e: f; } /* kept */\n");
        let html = "<head>\n  <link rel=\"stylesheet\" href=\"a.css\">\n<link rel=\"stylesheet\" href=\"b.css\">\n\
             <script type=\"module\" src=\"js/main.js\"></script>\n<link rel=\"modulepreload\" href=\"js/x.js\">\n</head>\n\
             <body>\n  <p>\n</body>\n";
        let page = bundle::page(html, &|path| match path {
            "js/main.js" => "work();\n".to_owned(),
            sheet => format!("/* {sheet} */\n{} {{ b: c; }}\n", &sheet[..1]),
        });
        assert_eq!(page.style, "a { b: c; }\nb { b: c; }\n");
        let script = "'use strict';(()=>{\nconst $main=(()=>{\nwork();\nreturn{}})();\n})();\n";
        assert_eq!(page.script, script);
        let wanted = format!(
            "<head>\n<style>{}</style>\n</head>\n<body>\n<p>\n<script>{script}</script>\n</body>\n",
            page.style
        );
        assert_eq!(page.html, wanted);
    }

    #[test]
    #[should_panic(expected = "</script would end it")]
    fn a_script_that_would_end_itself_fails_the_build() {
        let html = "<script type=\"module\" src=\"a.js\"></script>\n<body>\n</body>\n";
        bundle::page(html, &|_| "x('</SCRIPT>');\n".to_owned());
    }

    #[test]
    #[should_panic(expected = "imports itself")]
    fn a_circle_of_modules_fails_the_build() {
        bundle::script("a.js", &|path| {
            format!("import {{ x }} from './{}.js';\n", if path == "a.js" { "b" } else { "a" })
        });
    }

    #[test]
    #[should_panic(expected = "must not change")]
    fn an_exported_variable_fails_the_build() {
        bundle::script("a.js", &|_| "export let x = 1;\n".to_owned());
    }

    #[test]
    fn the_page_is_small() {
        let sent = FILES.iter().filter(|file| !file.path.ends_with(".txt"));
        let bytes: usize = sent.map(|file| file.bytes.len()).sum();
        assert!(bytes <= MOST, "{bytes} bytes");
    }

    #[test]
    fn only_the_files_of_the_page_have_a_path() {
        assert_eq!(file("/").map(|file| file.path), Some("/index.html"));
        for path in
            ["", "/..", "/../Cargo.toml", "/page", "/index.html/", "//index.html", "/js", "/js/"]
        {
            assert!(file(path).is_none(), "{path}");
        }
    }

    /// The policy of the page forbids all of these, so they would be dead.
    #[test]
    fn nothing_else_in_the_page_is_inline_or_from_elsewhere() {
        let text = parts().0.to_lowercase();
        for bad in [
            " style=",
            " onclick=",
            " onload=",
            "<style",
            "<script",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!text.contains(bad), "{bad}");
        }
    }
}
