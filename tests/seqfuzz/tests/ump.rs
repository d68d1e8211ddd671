//! Programs with UMP clients, on the engine in this process: the same every time.

use seqfuzz::{EngineDevice, Kind, Profile, Program, Transcript, generate_ump, parse, transcript};

const SEEDS: u64 = 1000;
const SIZE: usize = 24;

fn run(program: &Program) -> Transcript {
    transcript(&mut EngineDevice::of(program), program)
}

#[test]
fn seeds_mean_the_same_for_ever() {
    for seed in 0..SEEDS {
        let program = generate_ump(seed, SIZE);
        let read = parse(&program.to_string()).expect("what was printed");
        assert_eq!(read, program, "seed {seed}");
        assert_eq!(run(&program), run(&read), "seed {seed}");
    }
}

/// A record of another size than the sequencer takes it for moves all that follow in the same write.
#[test]
fn only_the_last_record_of_a_write_may_have_a_size_of_its_own() {
    for seed in 0..SEEDS {
        for call in generate_ump(seed, SIZE).calls {
            let last = call.events.len().saturating_sub(1);
            for event in &call.events[..last] {
                let named = |name| event.iter().find(|(other, _)| *other == name);
                let flags = named("flags").map_or(0, |(_, value)| match value {
                    seqfuzz::Value::Number(flags) => *flags,
                    _ => 0,
                });
                assert_eq!(flags & 0x20 != 0, named("w0").is_some(), "seed {seed}: {call}");
            }
        }
    }
}

/// What a program that does not ask for UMP can tell from whether the sequencer has it: the filter of Midi Through, which
/// passes packets on as they are.
#[test]
fn only_midi_through_shows_a_legacy_program_that_there_is_ump() {
    let kinds = [Profile::Sequencer, Profile::Timer].map(|profile| Kind {
        size: SIZE,
        common: false,
        legacy: true,
        profile,
    });
    let mut seen = 0;
    for (kind, seed) in kinds.into_iter().flat_map(|kind| (0..SEEDS).map(move |seed| (kind, seed)))
    {
        let mut program = kind.program(seed);
        let without = run(&program);
        program.ump = true;
        let with = run(&program);
        let shown = "name=\"Midi Through\" filter=0x40000000";
        for (call, (without, with)) in
            program.calls.iter().zip(without.results.iter().zip(&with.results))
        {
            if with != without {
                let told = with.replace(shown, "name=\"Midi Through\"");
                assert_eq!(*without, told, "seed {seed} of {kind:?}: {call}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "no program has looked");
}
