//! `fluidsynth` renders what is played into its port.

use super::song;
use crate::common::seq::Client;
use crate::common::*;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

const FONTS: &str = "/usr/share/sounds/sf2";

/// Returns the smallest sound font of the machine: it loads fastest.
pub(crate) fn sound_font() -> Option<std::path::PathBuf> {
    let fonts = fs::read_dir(FONTS).into_iter().flatten().flatten();
    let fonts = fonts.filter_map(|font| Some((fs::metadata(font.path()).ok()?.len(), font.path())));
    let font = fonts.min().map(|(_, path)| path);
    if font.is_none() {
        skip(&format!("no sound font in {FONTS}; `.ci/setup` installs timgm6mb-soundfont"));
    }
    font
}

#[test]
fn fluidsynth_renders_sound() {
    inside(|| {
        let Some(font) = sound_font() else { return };
        if !have(&["fluidsynth", "aplaymidi"]) {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sound.raw");
        let script = format!(
            "exec fluidsynth -a file -m alsa_seq -o midi.alsa_seq.id=test -o audio.file.type=raw \
             -o audio.file.format=s16 -o audio.file.endian=little -o audio.file.name='{}' '{}'",
            file.display(),
            font.display(),
        );
        let mut command = shell(&script);
        // `quit` on its standard input ends it.
        let mut synthesizer = Process::start_with(&mut command, Stdio::piped());
        let client = Client::open();
        let name = "FLUID Synth (test)";
        synthesizer.wait_until("its port", |_| {
            client
                .named(name)
                .is_some_and(|id| client.client_info(id).is_some_and(|it| it.num_ports > 0))
        });
        let song = song::shipped("scale.mid");
        output(shell(&format!("aplaymidi -p '{name}' '{}'", song.display())));
        let mut input = synthesizer.child.stdin.take().expect("a pipe");
        input.write_all(b"quit\n").expect("a living program");
        let ended = synthesizer.wait();
        assert!(ended.status.success(), "{ended:?}");

        let sound = fs::read(&file).expect("the sound");
        let samples = sound.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair));
        let loud = samples.filter(|sample| sample.unsigned_abs() > 300).count();
        assert!(loud > 10_000, "{loud} of {} samples are loud", sound.len() / 2);
    });
}
