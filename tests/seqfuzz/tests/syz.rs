//! Programs in syzkaller's syntax, written and read.

use seqfuzz::syz::{Form, read, write};
use seqfuzz::{
    Device, EngineDevice, Step, generate, generate_timer, generate_ump, play, program_of, tape_of,
    transcript,
};

/// Every generated program survives the way to syzkaller's text and back, call by call and answer by answer.
#[test]
fn what_is_written_is_read_the_same() {
    for seed in 0..50 {
        for make in [generate, generate_timer, generate_ump] {
            let program = make(seed, 24);
            let tape = tape_of(&program);
            let steps: Vec<Step> = tape.iter().map(|(step, _)| step.clone()).collect();
            for form in [Form::Ours, Form::Own] {
                let text = write(&steps, form);
                let reading = read(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert_eq!(reading.left_out, [""; 0], "seed {seed}");
                let wanted: Vec<Step> = steps.iter().map(without_what_is_not_passed).collect();
                for (index, (read, wanted)) in reading.steps.iter().zip(&wanted).enumerate() {
                    assert_eq!(read, wanted, "seed {seed}, {form:?}, call {index}");
                }
                assert_eq!(reading.steps.len(), wanted.len(), "seed {seed}, {form:?}");
            }
        }
    }
}

/// Requests that only tell are written without their struct.
fn without_what_is_not_passed(step: &Step) -> Step {
    match step {
        Step::Ioctl { file, code, compat, argument }
            if aseqd_abi::ioctl::direction(*code) & aseqd_abi::ioctl::WRITE == 0 =>
        {
            let argument = vec![0; argument.len()];
            Step::Ioctl { file: *file, code: *code, compat: *compat, argument }
        }
        step => step.clone(),
    }
}

/// Calls become programs again that do the same, as far as answers tell.
#[test]
fn calls_become_programs_that_do_the_same() {
    for seed in 0..150 {
        let program = generate(seed, 24);
        let tape = tape_of(&program);
        let steps: Vec<Step> = tape.iter().map(|(step, _)| step.clone()).collect();
        let again = program_of(&steps);
        let read = seqfuzz::parse(&again.to_string()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read, again, "seed {seed}");
        let mut device = EngineDevice::new();
        let answers = play(&mut device, &steps);
        let wanted: Vec<_> = tape.into_iter().map(|(_, answer)| answer.value).collect();
        let found: Vec<_> = answers.iter().take(wanted.len()).map(|answer| answer.value).collect();
        assert_eq!(found, wanted, "seed {seed}");
    }
}

/// A program as syzkaller's corpus has them, with its own structs: the memory is laid out as syzkaller does.
#[test]
fn programs_of_syzkallers_own_descriptions_run() {
    let text = "# {Threaded:true Repeat:true}
mmap(&(0x7f0000000000/0xa000)=nil, 0xa000, 0x3, 0x32, 0xffffffffffffffff, 0x0)
r0 = syz_open_dev$sndseq(&(0x7f0000000000), 0x0, 0x2)
ioctl$SNDRV_SEQ_IOCTL_CREATE_QUEUE(r0, 0xc08c5332, &(0x7f0000000280)={0x0, 0x0, 0x1, 'queue1\\x00'})
ioctl$SNDRV_SEQ_IOCTL_CREATE_PORT(r0, 0xc0a85320, &(0x7f0000000040)={{0x80}, 'port1\\x00', 0x63, 0x2})
r1 = dup(r0) (fail_nth: 3)
ioctl$SNDRV_SEQ_IOCTL_SET_QUEUE_TIMER(r1, 0x40605346, &(0x7f0000000100)={0x0, 0x0, {0x1, 0x0, 0x0, 0x3}}) (async)
write$sndseq(r1, &(0x7f0000000180)=[{0x6, 0x0, 0x0, 0xfd, @tick=0x4, {}, {0x80}, @note={0x1, 0x3c}}], 0x1c)
write$sndseq(r0, &(0x7f0000000240)=ANY=[@ANYBLOB=\"05000000\", @ANYRES32=r0], 0xffffffd7)
poll(&(0x7f0000000300)=[{r1, 0x1}], 0x1, 0x5)
getpid()
close(r0)
";
    let reading = read(text).expect("a program");
    assert_eq!(reading.left_out, ["mmap", "getpid"]);
    let kinds: Vec<_> = reading.steps.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 8);
    let answers = play(&mut EngineDevice::new(), &reading.steps);
    for (step, answer) in reading.steps.iter().zip(&answers).take(4) {
        assert!(answer.value.is_ok(), "{step:?}: {answer:?}");
    }
    let Step::Write(0, event) = &reading.steps[4] else { panic!("a write by the duplicate") };
    // syzkaller aligns the time to 8 bytes.
    assert_eq!((event[0], event[3], event[8], event.len()), (6, 253, 4, 28));
    let Step::Write(0, zeros) = &reading.steps[5] else { panic!("a long write") };
    assert_eq!((zeros[0], zeros.len()), (5, 1 << 20));
    let program = program_of(&reading.steps);
    assert!(program.to_string().contains("set_queue_timer queue=q0 class=1 device=3"), "{program}");
    let told = transcript(&mut EngineDevice::of(&program), &program);
    assert_eq!(told.results.len(), program.calls.len());
}

#[test]
fn wrong_text_is_refused_with_its_line() {
    for (text, said) in [
        ("open", "line 1: `(`"),
        ("a()\nb(", "line 2: "),
        ("a(&(0x1", "line 1: an address"),
        ("a('x", "line 1: a text"),
        ("a(\"0g\")", "line 1: data is not"),
        ("a(\"$AA\")", "line 1: compressed"),
        ("a(0xzz)", "line 1: `0xzz`"),
        ("a(?)", "line 1: `?`"),
        ("a('\\q')", "line 1: no escape"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.starts_with(said), "{text}: {error}");
    }
    assert!(read(&format!("a({}", "{".repeat(100_000))).is_err());
    // Cutting a program anywhere must not panic.
    let steps: Vec<Step> =
        tape_of(&generate_ump(7, 24)).into_iter().map(|(step, _)| step).collect();
    let whole = write(&steps, Form::Ours);
    for end in (0..whole.len()).step_by(7).filter(|end| whole.is_char_boundary(*end)) {
        let _either = read(&whole[..end]);
    }
}

/// 32-bit requests reach the engine as such.
#[test]
fn requests_of_32_bit_processes_run_on_the_engine() {
    let text = "mode still\nc0.open access=2\nc0.create_port32 client=c0 name=\"p\" capability=99\n\
                c0.get_port_info32 client=c0\nc0.get_port_info client=c0 compat=1\nc0.client_id compat=1\n";
    let program = seqfuzz::parse(text).expect("a program");
    let told = transcript(&mut EngineDevice::of(&program), &program).results;
    assert!(told[1].starts_with("= 0"), "{told:?}");
    assert!(told[2].contains("capability=0x63"), "{told:?}");
    assert_eq!(told[3], "= ENOTTY");
    assert!(told[4].starts_with("= 0 client=c0"), "{told:?}");
    let mut device = EngineDevice::new();
    assert!(device.ioctl_compat(0, 0, &mut []).is_err());
}
