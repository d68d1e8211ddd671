//! Checks that the files in `songs/` are those that their source makes. `ASEQD_WRITE_SONGS=1` writes them.

#[path = "../../../songs/compose.rs"]
mod compose;

use std::path::Path;
use std::{env, fs};

#[test]
fn songs_are_what_their_source_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../songs");
    for (name, made) in [("etude.mid", compose::etude()), ("scale.mid", compose::scale())] {
        let path = folder.join(name);
        if env::var_os("ASEQD_WRITE_SONGS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        let same = fs::read(&path).unwrap() == made;
        assert!(same, "songs/{name} is not what songs/compose.rs makes; see songs/README.md");
    }
}
