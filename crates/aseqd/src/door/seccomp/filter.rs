//! The filters, in the kernel's classic BPF: which system calls wait for the server.
//!
//! The crates that write such filters cannot express a notification, so this is by hand: a filter has
//! two lists of call numbers and one comparison of a descriptor.

use crate::sys::seccomp::{ALLOW, Instruction, NOTIFY};
use libc::c_long;
use std::mem::offset_of;
use std::ops::Range;

/// The calls that open a file.
#[cfg(target_arch = "x86_64")]
const OPENS: &[c_long] = &[libc::SYS_open, libc::SYS_openat, libc::SYS_openat2, libc::SYS_creat];
#[cfg(not(target_arch = "x86_64"))]
const OPENS: &[c_long] = &[libc::SYS_openat, libc::SYS_openat2];

/// The calls on a descriptor, which is the first argument.
#[cfg(target_arch = "x86_64")]
const ON_DESCRIPTORS: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_ioctl,
    libc::SYS_dup,
    libc::SYS_dup2,
    libc::SYS_dup3,
];
#[cfg(not(target_arch = "x86_64"))]
const ON_DESCRIPTORS: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_ioctl,
    libc::SYS_dup,
    libc::SYS_dup3,
];

/// This machine's own interface, `AUDIT_ARCH_*` of `linux/audit.h`: ELF machine, 64 bits, little endian.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 62 | 0xc000_0000;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 183 | 0xc000_0000;
#[cfg(target_arch = "riscv64")]
const ARCH: u32 = 243 | 0xc000_0000;
/// No machine: there the doors lead nowhere.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
const ARCH: u32 = u32::MAX;

/// Calls of the x32 interface have this bit.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

const LOAD: u16 = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
const EQUAL: u16 = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
const AT_LEAST: u16 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
const RETURN: u16 = code(libc::BPF_RET | libc::BPF_K);

#[expect(clippy::cast_possible_truncation, reason = "the codes have 16 bits")]
const fn code(parts: u32) -> u16 {
    parts as u16
}

/// Where a jump goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// The next instruction.
    Next,
    /// Over this many.
    Over(u8),
    /// What a label stands for.
    Label(Label),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    /// The call runs.
    Allow,
    /// The call waits.
    Notify,
    /// It waits if its descriptor is one of ours.
    Descriptor,
}

/// An instruction whose jumps are not yet counted.
struct Step {
    label: Option<Label>,
    code: u16,
    operand: u32,
    yes: To,
    no: To,
}

impl Step {
    const fn new(code: u16, operand: u32) -> Self {
        Self { label: None, code, operand, yes: To::Next, no: To::Next }
    }

    const fn jump(code: u16, operand: u32, yes: To, no: To) -> Self {
        Self { label: None, code, operand, yes, no }
    }

    const fn labelled(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }
}

/// Waits for the server: every call that opens a file.
pub(super) fn opens() -> Vec<Instruction> {
    assemble([prologue(), numbers(OPENS, Label::Notify), epilogue()])
}

/// Waits for the server: every call that opens a file, and those on descriptors of this range.
pub(super) fn all(range: &Range<i32>) -> Vec<Instruction> {
    let dups = [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].map(i32::unsigned_abs);
    let [first, end] = [range.start, range.end].map(i32::unsigned_abs);
    let (allow, notify) = (To::Label(Label::Allow), To::Label(Label::Notify));
    let descriptors = vec![
        Step::jump(EQUAL, number(libc::SYS_fcntl), To::Next, allow),
        Step::new(LOAD, argument(1)),
        Step::jump(EQUAL, dups[0], To::Over(1), To::Next),
        Step::jump(EQUAL, dups[1], To::Next, allow),
        Step::new(LOAD, argument(0)).labelled(Label::Descriptor),
        Step::jump(AT_LEAST, first, To::Next, allow),
        Step::jump(AT_LEAST, end, allow, notify),
    ];
    assemble([
        prologue(),
        numbers(OPENS, Label::Notify),
        numbers(ON_DESCRIPTORS, Label::Descriptor),
        descriptors,
        epilogue(),
    ])
}

/// Leaves other interfaces alone, and loads the number of the call.
fn prologue() -> Vec<Step> {
    vec![
        Step::new(LOAD, offset(offset_of!(libc::seccomp_data, arch))),
        Step::jump(EQUAL, ARCH, To::Next, To::Label(Label::Allow)),
        Step::new(LOAD, offset(offset_of!(libc::seccomp_data, nr))),
        #[cfg(target_arch = "x86_64")]
        Step::jump(AT_LEAST, X32, To::Label(Label::Allow), To::Next),
    ]
}

fn numbers(list: &[c_long], label: Label) -> Vec<Step> {
    list.iter().map(|call| Step::jump(EQUAL, number(*call), To::Label(label), To::Next)).collect()
}

fn epilogue() -> Vec<Step> {
    vec![
        Step::new(RETURN, ALLOW).labelled(Label::Allow),
        Step::new(RETURN, NOTIFY).labelled(Label::Notify),
    ]
}

fn assemble(parts: impl IntoIterator<Item = Vec<Step>>) -> Vec<Instruction> {
    let steps: Vec<Step> = parts.into_iter().flatten().collect();
    let distance = |at: usize, to: To| match to {
        To::Next => 0,
        To::Over(count) => count,
        To::Label(label) => {
            let target = steps.iter().position(|step| step.label == Some(label)).unwrap_or(at + 1);
            u8::try_from(target - at - 1).unwrap_or(0)
        }
    };
    let instruction = |(at, step): (usize, &Step)| Instruction {
        code: step.code,
        jt: distance(at, step.yes),
        jf: distance(at, step.no),
        k: step.operand,
    };
    steps.iter().enumerate().map(instruction).collect()
}

/// The offset of the low half of an argument: a descriptor and a command have 32 bits.
fn argument(index: usize) -> u32 {
    offset(offset_of!(libc::seccomp_data, args) + index * size_of::<u64>())
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter says of a call.
    fn verdict(filter: &[Instruction], arch: u32, call: c_long, args: [u64; 2]) -> u32 {
        let mut data = [0_u8; size_of::<libc::seccomp_data>()];
        data[..4].copy_from_slice(&number(call).to_ne_bytes());
        data[4..8].copy_from_slice(&arch.to_ne_bytes());
        for (at, arg) in args.iter().enumerate() {
            data[16 + 8 * at..24 + 8 * at].copy_from_slice(&arg.to_ne_bytes());
        }
        let mut accumulator = 0;
        let mut at = 0;
        loop {
            let Instruction { code, jt, jf, k } = filter[at];
            at += 1;
            let mut jump = |yes| at += usize::from(if yes { jt } else { jf });
            match code {
                LOAD => {
                    let from = k as usize;
                    accumulator = u32::from_ne_bytes(data[from..from + 4].try_into().unwrap());
                }
                EQUAL => jump(accumulator == k),
                AT_LEAST => jump(accumulator >= k),
                RETURN => return k,
                _ => panic!("code {code}"),
            }
        }
    }

    #[test]
    fn opens_wait_and_nothing_else() {
        let filter = opens();
        for call in OPENS {
            assert_eq!(verdict(&filter, ARCH, *call, [0, 0]), NOTIFY, "{call}");
            assert_eq!(verdict(&filter, ARCH ^ 1, *call, [0, 0]), ALLOW, "{call}");
        }
        for call in [libc::SYS_read, libc::SYS_close, libc::SYS_execve, libc::SYS_sendmsg] {
            assert_eq!(verdict(&filter, ARCH, call, [1000, 0]), ALLOW, "{call}");
        }
    }

    #[test]
    fn calls_wait_on_descriptors_of_the_range_only() {
        let filter = all(&(768..1024));
        assert_eq!(verdict(&filter, ARCH, libc::SYS_openat, [0, 0]), NOTIFY);
        for call in ON_DESCRIPTORS {
            for (descriptor, wanted) in [
                (0, ALLOW),
                (767, ALLOW),
                (768, NOTIFY),
                (1023, NOTIFY),
                (1024, ALLOW),
                (u64::MAX, ALLOW),
                // The upper half of a register is not part of a descriptor.
                (0xdead_beef_0000_0300, NOTIFY),
            ] {
                let found = verdict(&filter, ARCH, *call, [descriptor, 0]);
                assert_eq!(found, wanted, "{call} on {descriptor}");
            }
        }
        assert_eq!(verdict(&filter, ARCH, libc::SYS_close, [800, 0]), ALLOW);
    }

    #[test]
    fn of_fcntl_only_dups_wait() {
        let filter = all(&(768..1024));
        for (command, wanted) in [
            (libc::F_DUPFD, NOTIFY),
            (libc::F_DUPFD_CLOEXEC, NOTIFY),
            (libc::F_GETFL, ALLOW),
            (libc::F_SETFL, ALLOW),
        ] {
            let args = |descriptor| [descriptor, command.unsigned_abs().into()];
            assert_eq!(verdict(&filter, ARCH, libc::SYS_fcntl, args(800)), wanted, "{command}");
            assert_eq!(verdict(&filter, ARCH, libc::SYS_fcntl, args(8)), ALLOW, "{command}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_other_interfaces_of_the_machine_are_left_alone() {
        let filter = all(&(768..1024));
        assert_eq!(verdict(&filter, ARCH, libc::SYS_openat | c_long::from(X32), [0, 0]), ALLOW);
    }
}
