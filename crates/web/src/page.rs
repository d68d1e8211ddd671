//! The files of the page, which are in the program.

/// A file of the page.
pub(crate) struct File {
    /// Its path in the address, `/js/app.js`.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes that the whole page may have on the wire, without licences.
    const MOST: usize = 80_000;

    #[test]
    fn every_file_is_what_it_was_before() {
        for file in FILES {
            let path = format!("page{}", file.path);
            assert_eq!(file.plain(), std::fs::read(&path).expect("a file"), "{path}");
        }
        let tags: std::collections::BTreeSet<_> = FILES.iter().map(|file| file.tag).collect();
        assert!(tags.len() > 1 || FILES.len() == 1, "tags tell files apart");
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
    fn nothing_in_the_page_is_inline_or_from_elsewhere() {
        for file in FILES.iter().filter(|file| file.path.ends_with(".html")) {
            let text = String::from_utf8(file.plain()).expect("UTF-8").to_lowercase();
            for bad in
                [" style=", " onclick=", " onload=", "<style", "javascript:", "http://", "https://"]
            {
                assert!(!text.contains(bad), "{}: {bad}", file.path);
            }
            for script in text.split("<script").skip(1) {
                let inside = script.split_once('>').expect("a tag").1;
                let inside = inside.split("</script").next().unwrap_or_default();
                assert_eq!(inside.trim(), "", "{}", file.path);
            }
        }
    }
}
