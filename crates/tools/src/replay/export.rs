//! What a replay writes besides what it prints: another recording, a test, a program, a MIDI file.

use super::ReplayArgs;
use super::output::Output;
use super::player::Player;
use aseqd_console::say;
use aseqd_engine::Time;
use aseqd_host::error::{Context as _, Fail};
use aseqd_recording::Header;
use aseqd_replay::c_program::CProgram;
use aseqd_replay::replayer::Played;
use aseqd_replay::rewrite::Rewriter;
use aseqd_replay::rust_test::RustTest;
use aseqd_replay::scrub::Scrubber;
use aseqd_replay::smf::Smf;
use aseqd_replay::step::{Action, Step};
use std::io;
use std::path::Path;

/// The files that are written.
#[derive(Default)]
pub(super) struct Exports {
    recording: Option<Rewriter<Output>>,
    scrubber: Option<Scrubber>,
    rust_test: Option<RustTest<Output>>,
    c_program: Option<CProgram<Output>>,
    smf: Option<(Smf, Output)>,
}

fn written<T>(result: io::Result<T>) -> Result<T, Fail> {
    result.context("a file cannot be written")
}

/// Returns the error for what cannot be done with a recording that begins with a state.
pub(crate) fn begins_with_a_state(why: &str) -> Fail {
    let instead = "`aseqd serve --record FILE` records from the start";
    Fail::new(format!(
        "the recording begins with the state of a server that ran already: {why}; {instead}"
    ))
}

/// Returns the header of a recording of the same engine, by this version.
pub(super) fn header(player: &Player) -> Header {
    let old = player.replayer().header();
    let mut header = Header::new(old.config);
    header.began = old.began;
    header
}

/// Begins a recording of the engine that a recording begins with. Nothing of that may have been replayed.
fn rewriter(path: &Path, player: &Player, header: &Header) -> Result<Rewriter<Output>, Fail> {
    let replayer = player.replayer();
    let (out, engine) = (Output::create(path)?, replayer.start().clone());
    written(Rewriter::new(out, header, engine, replayer.state().as_ref()))
}

/// Writes steps as a recording.
pub(super) fn write_steps(
    path: &Path,
    player: &Player,
    header: &Header,
    steps: &[Step],
) -> Result<(), Fail> {
    let mut rewriter = rewriter(path, player, header)?;
    for step in steps {
        written(rewriter.push(step))?;
    }
    written(rewriter.finish())?.finish()
}

impl Exports {
    /// Creates the files that are asked for.
    pub(super) fn create(args: &ReplayArgs, player: &Player) -> Result<Self, Fail> {
        let replayer = player.replayer();
        let header = replayer.header();
        let fresh = || match replayer.state() {
            None => Ok(replayer.engine().clone()),
            Some(_) => Err(begins_with_a_state("a test or a program cannot begin with it")),
        };
        let out = |path: &Path| Output::create(path);
        let mut exports = Self::default();
        if let Some(path) = &args.output {
            let mut own = self::header(player);
            if args.scrub {
                if replayer.state().is_some() {
                    return Err(begins_with_a_state("it has names and cannot be scrubbed"));
                }
                // The time of day says something about people as well.
                own.began = None;
                exports.scrubber = Some(Scrubber::new());
            }
            exports.recording = Some(rewriter(path, player, &own)?);
        }
        if let Some(path) = &args.to_test {
            fresh()?;
            exports.rust_test = Some(written(RustTest::new(out(path)?, header))?);
        }
        if let Some(path) = &args.to_c {
            exports.c_program = Some(written(CProgram::new(out(path)?, header, fresh()?))?);
        }
        if let Some(path) = &args.to_smf {
            exports.smf = Some((Smf::new(replayer.engine().clone()), out(path)?));
        }
        Ok(exports)
    }

    /// Returns whether there is any: then no events are printed.
    pub(super) const fn any(args: &ReplayArgs) -> bool {
        args.output.is_some()
            || args.to_test.is_some()
            || args.to_c.is_some()
            || args.to_smf.is_some()
    }

    /// Adds a record.
    pub(super) fn push(&mut self, played: &Played<'_>) -> Result<(), Fail> {
        if let Some(recording) = &mut self.recording {
            let mut step = Step { at: played.at, action: played.action.clone() };
            if let Some(scrubber) = &mut self.scrubber {
                scrubber.scrub(&mut step.action);
            }
            written(recording.push(&step))?;
        }
        if let Some(test) = &mut self.rust_test {
            written(test.push(played))?;
        }
        if let Some(program) = &mut self.c_program {
            written(program.push(played))?;
        }
        if let Some((smf, _)) = &mut self.smf {
            smf.push(played);
        }
        Ok(())
    }

    /// Ends the files with a record at which the engine has panicked. Only a recording can have it.
    pub(super) fn finish_with(mut self, action: &Action, at: Time) -> Result<(), Fail> {
        if let Some(recording) = &mut self.recording {
            let mut step = Step { at, action: action.clone() };
            if let Some(scrubber) = &mut self.scrubber {
                scrubber.scrub(&mut step.action);
            }
            written(recording.push(&step))?;
        }
        self.finish()
    }

    /// Ends the files.
    pub(super) fn finish(self) -> Result<(), Fail> {
        if let Some(recording) = self.recording {
            written(recording.finish())?.finish()?;
        }
        if let Some(test) = self.rust_test {
            written(test.finish())?.finish()?;
        }
        if let Some(program) = self.c_program {
            written(program.finish())?.finish()?;
        }
        if let Some((smf, mut out)) = self.smf {
            let events = written(smf.finish(&mut out))?;
            out.finish()?;
            if events == 0 {
                say(&"the MIDI file has no events: no client has sent or read any with MIDI bytes");
            }
        }
        Ok(())
    }
}
