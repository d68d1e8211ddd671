//! How many programs a second run, and how much of the engine inputs reach: the commands `speed` and `edges`.

use crate::cli::On;
use seqfuzz::concurrent::device::Devices;
use seqfuzz::concurrent::session::World;
use seqfuzz::concurrent::{Plan, spread};
use seqfuzz::{
    EngineDevice, Kind, Mode, Profile, Program, RealDevice, Rng, bytes, cover, parse_all,
    transcript,
};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Number of calls of a program between its beginning and its end.
const SIZE: usize = 16;

/// Returns the programs that everything is measured with: those of seeds that never wait.
fn programs(at_once: bool) -> impl Iterator<Item = Program> {
    let kind = Kind { size: SIZE, common: false, legacy: false, profile: Profile::Sequencer };
    let all = (0..).map(move |seed| (seed, kind.program(seed)));
    let still = all.filter(|(_, program)| program.mode == Mode::Still);
    still.map(move |(seed, mut program)| {
        if at_once {
            spread(&mut Rng::new(seed), &mut program);
        }
        program
    })
}

/// Runs one program.
type Run = Box<dyn FnMut(&Program) -> Result<(), String>>;

/// Runs programs for some time, and prints how many a second.
pub(crate) fn speed(on: On, at_once: bool, time: Duration) -> Result<ExitCode, String> {
    let mut run: Run = match (on, at_once) {
        (On::Engine, _) => Box::new(|program| {
            let _answers = transcript(&mut EngineDevice::of(program), program);
            Ok(())
        }),
        (On::Session, _) => Box::new(|program| {
            let plan = Plan::of(program);
            let _ran = World::new(&plan).run(&plan);
            Ok(())
        }),
        (On::Device, false) => {
            let mut device = RealDevice::new()?;
            Box::new(move |program| {
                let _answers = transcript(&mut device, program);
                Ok(())
            })
        }
        (On::Device, true) => {
            let mut devices = Devices::new()?;
            Box::new(move |program| devices.run(&Plan::of(program), None, |_| ()).map(drop))
        }
    };
    let mut programs = programs(at_once || on == On::Session);
    let (mut count, mut spent) = (0_u32, Duration::ZERO);
    // Making programs takes as long as running them on the engine, and is not counted.
    while spent < time {
        let Some(program) = programs.next() else { break };
        let began = Instant::now();
        run(&program)?;
        spent += began.elapsed();
        count += 1;
    }
    crate::print(&format!("{:.1}\n", f64::from(count) / spent.as_secs_f64()))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the inputs of folders on the engine, and prints how many of its edges they take together.
pub(crate) fn edges(folders: &[impl AsRef<Path>], as_bytes: bool) -> Result<ExitCode, String> {
    if cover::edges() == 0 {
        return Err("this build counts no edges: scripts/seqfuzz makes one that does".into());
    }
    let mut taken = vec![false; cover::edges()];
    let mut inputs = 0;
    for folder in folders {
        let folder = folder.as_ref();
        let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
        for file in fs::read_dir(folder).map_err(wrong)?.flatten() {
            let input = fs::read(file.path()).map_err(wrong)?;
            inputs += 1;
            cover::reset();
            if as_bytes {
                bytes::run(&input);
            } else {
                for program in parse_all(&String::from_utf8_lossy(&input)).unwrap_or_default() {
                    let _answers = transcript(&mut EngineDevice::of(&program), &program);
                }
            }
            cover::taken(|edge, _| taken[edge] = true);
        }
    }
    let count = taken.iter().filter(|taken| **taken).count();
    crate::print(&format!("{inputs} inputs take {count} of {} edges\n", taken.len()))?;
    Ok(ExitCode::SUCCESS)
}
