//! Programs with UMP clients, on the engine in this process: the same every time.

use seqfuzz::{EngineDevice, Program, Transcript, generate_ump, parse, transcript};

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
