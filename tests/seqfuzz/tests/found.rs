//! What the fuzzer has found in the engine, and what is mended. It is one test, so that nothing else in the process takes
//! memory meanwhile.

use seqfuzz::fuzz::{Checks, execute};
use seqfuzz::memory::Counting;
use seqfuzz::parse;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn programs_that_were_found_once_show_nothing_any_more() {
    // The engine kept counting the buffers of events that were removed, so its list of spare ones grew. Each event that
    // became one of a UMP client while it waited left a buffer for ever.
    let marked = "mode frozen ump
c0.open
c0.create_queue as=q0
c0.write [ tick=4]
c0.user_pversion version=0x10003
c0.set_client_info client=c0 type=1 midi_version=2
c0.write [ type=31]
c0.settle queue=q0
";
    let removed = "mode run ump
c0.open
c0.user_pversion version=0x10005
c0.set_client_info client=c0 type=1 midi_version=1
c0.create_queue as=q0
c0.write [ type=135 flags=20 tick=2 body=70 len=70] [ tick=3]
c0.write [ tick=6]
";
    // A queue with more events than one pass delivers, and another one at the same instant: the model let the first go on.
    let many = "mode still
c0.open
c0.create_queue
c0.write [START type=30]
c0.set_client_pool client=c0 output_pool=2000 input_pool=2000
c0.write [ flags=1 nsec=5 dest=c0] times=1500
c0.create_queue as=q0
c0.write [START type=30 control=q0]
c0.create_port client=c0 capability=99
c0.write [ flags=1 queue=q0 nsec=5 dest=c0]
c0.sleep ms=10
c0.read len=0x10000
";
    for text in [removed, marked, many] {
        let ran = execute(&parse(text).expect("a program"), Checks::ALL);
        assert_eq!(ran.wrong.map(|wrong| wrong.report), None);
    }
}
