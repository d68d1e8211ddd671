//! Filters in the kernel's classic BPF, which decide which system calls wait for the server.
//!
//! They are written by hand because the crates that write such filters cannot express a notification. A
//! filter is lists of call numbers and a few comparisons of descriptors and flags.

use aseqd_host::seccomp::{ALLOW, Instruction, NOTIFY};
use libc::c_long;
use std::mem::offset_of;
use std::ops::Range;

/// Calls that open a file.
#[cfg(target_arch = "x86_64")]
const OPENS: &[c_long] = &[libc::SYS_open, libc::SYS_openat, libc::SYS_openat2, libc::SYS_creat];
#[cfg(not(target_arch = "x86_64"))]
const OPENS: &[c_long] = &[libc::SYS_openat, libc::SYS_openat2];

/// Calls that look at a path without opening it. `newfstatat` and `statx` are not among them: the C
/// library also makes them for descriptors, so their flags decide.
#[cfg(target_arch = "x86_64")]
const LOOKS: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_inotify_add_watch,
];
#[cfg(not(target_arch = "x86_64"))]
const LOOKS: &[c_long] = &[
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_inotify_add_watch,
];

/// Calls that work on a directory. The first argument is its descriptor.
const ON_FOLDERS: &[c_long] = &[libc::SYS_getdents64, libc::SYS_lseek, libc::SYS_fstat];

/// Calls that copy a descriptor, which is the first argument.
#[cfg(target_arch = "x86_64")]
const DUPS: &[c_long] = &[libc::SYS_dup, libc::SYS_dup2, libc::SYS_dup3];
#[cfg(not(target_arch = "x86_64"))]
const DUPS: &[c_long] = &[libc::SYS_dup, libc::SYS_dup3];

/// Calls on a file, whose descriptor is the first argument.
pub(in crate::door) const ON_FILES: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_ioctl,
];

/// Calls for sockets and pipes. To the kernel our descriptors are such; the program must not notice,
/// because these calls would take or send the bytes that show polls whether a file is ready.
pub(in crate::door) const ON_SOCKETS: &[c_long] = &[
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shutdown,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_setsockopt,
    libc::SYS_getsockopt,
];

/// Calls that move bytes between two descriptors, the first two arguments.
pub(in crate::door) const BETWEEN_FIRST_TWO: &[c_long] = &[libc::SYS_sendfile, libc::SYS_tee];

/// The machine's native system call interface, an `AUDIT_ARCH_*` of `linux/audit.h`: the ELF machine with
/// the bits for 64 bits and little endian.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 62 | 0xc000_0000;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 183 | 0xc000_0000;
#[cfg(target_arch = "riscv64")]
const ARCH: u32 = 243 | 0xc000_0000;
/// No machine has this value, so no call is stopped where the filters are not known to work.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
const ARCH: u32 = u32::MAX;

/// The bit that marks calls of the x32 interface.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

const LOAD: u16 = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
const EQUAL: u16 = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
const AT_LEAST: u16 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
const HAS_BIT: u16 = code(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K);
const RETURN: u16 = code(libc::BPF_RET | libc::BPF_K);

#[expect(clippy::cast_possible_truncation, reason = "the codes have 16 bits")]
const fn code(parts: u32) -> u16 {
    parts as u16
}

/// The destination of a jump.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// The next instruction.
    Next,
    /// The instruction with this label.
    Label(Label),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    /// The call runs.
    Allow,
    /// The call waits for the server.
    Notify,
    /// The call waits if its first argument is a descriptor of the range.
    Descriptor,
    /// `newfstatat`, whose flags are the fourth argument.
    Newfstatat,
    /// `statx`, whose flags are the third argument.
    Statx,
    /// A stat with `AT_EMPTY_PATH`: it is about its descriptor, unless that is `AT_FDCWD`.
    Flags,
    /// `fcntl`, which waits if it copies a descriptor of the range.
    Fcntl,
    /// `ioctl`, which waits if it creates a user-driven timer or its first argument is a descriptor of the range.
    Ioctl,
    /// The call waits if one of its first two arguments is a descriptor of the range.
    FirstTwo,
    /// The call waits if its first or third argument is a descriptor of the range.
    FirstAndThird,
}

/// An instruction whose jumps go to labels.
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

/// Returns the hand-over's filter. It stops every call that opens a file or looks at a path, requests that create a
/// user-driven timer, and calls on descriptors of this range, which are directories and files opened with `O_PATH`.
pub(in crate::door) fn handover(range: &Range<i32>) -> Vec<Instruction> {
    assemble([
        prologue(),
        numbers(&[libc::SYS_ioctl], Label::Ioctl),
        numbers(ON_FILES, Label::Descriptor),
        numbers(ON_FOLDERS, Label::Descriptor),
        paths(),
        numbers(DUPS, Label::Descriptor),
        fcntl(),
        ioctl(),
        descriptors(range),
        epilogue(),
    ])
}

/// Returns the trap's filter. It stops what [`handover`]'s does, and all other calls on descriptors of
/// this range.
pub(in crate::door) fn trap(range: &Range<i32>) -> Vec<Instruction> {
    assemble([
        prologue(),
        numbers(ON_FILES, Label::Descriptor),
        numbers(ON_FOLDERS, Label::Descriptor),
        paths(),
        numbers(DUPS, Label::Descriptor),
        numbers(ON_SOCKETS, Label::Descriptor),
        numbers(&[libc::SYS_vmsplice], Label::Descriptor),
        // Its descriptor is another process's, so it cannot be compared here. Hardly any program makes it.
        numbers(&[libc::SYS_pidfd_getfd], Label::Notify),
        numbers(BETWEEN_FIRST_TWO, Label::FirstTwo),
        numbers(&[libc::SYS_splice], Label::FirstAndThird),
        fcntl(),
        others(1, Label::FirstTwo, range),
        others(2, Label::FirstAndThird, range),
        descriptors(range),
        epilogue(),
    ])
}

/// Returns the steps for calls with a path. A stat of a descriptor is recognised by its flags and does not
/// wait: every program that reads a file makes one.
fn paths() -> Vec<Step> {
    let mut steps = numbers(OPENS, Label::Notify);
    steps.extend(numbers(LOOKS, Label::Notify));
    steps.extend(numbers(&[libc::SYS_newfstatat], Label::Newfstatat));
    steps.extend(numbers(&[libc::SYS_statx], Label::Statx));
    steps
}

/// Returns the end of the list of call numbers, and the steps behind the labels for flags and `fcntl`.
fn fcntl() -> Vec<Step> {
    let dups = [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].map(i32::unsigned_abs);
    let (allow, notify) = (To::Label(Label::Allow), To::Label(Label::Notify));
    let (descriptor, flags) = (To::Label(Label::Descriptor), To::Label(Label::Flags));
    let empty_path = libc::AT_EMPTY_PATH.unsigned_abs();
    let here = libc::AT_FDCWD.cast_unsigned();
    vec![
        Step::jump(EQUAL, number(libc::SYS_fcntl), To::Label(Label::Fcntl), allow),
        Step::new(LOAD, argument(3)).labelled(Label::Newfstatat),
        Step::jump(HAS_BIT, empty_path, flags, notify),
        Step::new(LOAD, argument(2)).labelled(Label::Statx),
        Step::jump(HAS_BIT, empty_path, flags, notify),
        Step::new(LOAD, argument(0)).labelled(Label::Flags),
        Step::jump(EQUAL, here, notify, descriptor),
        Step::new(LOAD, argument(1)).labelled(Label::Fcntl),
        Step::jump(EQUAL, dups[0], descriptor, To::Next),
        Step::jump(EQUAL, dups[1], descriptor, allow),
    ]
}

/// Returns the steps that stop a request for a user-driven timer, on whatever descriptor: the number of a file in the
/// mount says nothing.
fn ioctl() -> Vec<Step> {
    let (descriptor, notify) = (To::Label(Label::Descriptor), To::Label(Label::Notify));
    vec![
        Step::new(LOAD, argument(1)).labelled(Label::Ioctl),
        Step::jump(EQUAL, aseqd_abi::ioctl::timers::CREATE, notify, descriptor),
    ]
}

/// Returns the steps that stop a call whose first argument is in this range.
fn descriptors(range: &Range<i32>) -> Vec<Step> {
    let [first, end] = [range.start, range.end].map(i32::unsigned_abs);
    let (allow, notify) = (To::Label(Label::Allow), To::Label(Label::Notify));
    vec![
        Step::new(LOAD, argument(0)).labelled(Label::Descriptor),
        Step::jump(AT_LEAST, first, To::Next, allow),
        Step::jump(AT_LEAST, end, allow, notify),
    ]
}

/// Returns the steps that stop a call whose argument `index`, or else its first one, is in this range.
fn others(index: usize, label: Label, range: &Range<i32>) -> Vec<Step> {
    let [first, end] = [range.start, range.end].map(i32::unsigned_abs);
    let (descriptor, notify) = (To::Label(Label::Descriptor), To::Label(Label::Notify));
    vec![
        Step::new(LOAD, argument(index)).labelled(label),
        Step::jump(AT_LEAST, first, To::Next, descriptor),
        Step::jump(AT_LEAST, end, descriptor, notify),
    ]
}

/// Returns the steps that let calls of other interfaces through and load the number of the call.
fn prologue() -> Vec<Step> {
    vec![
        Step::new(LOAD, offset(offset_of!(libc::seccomp_data, arch))),
        Step::jump(EQUAL, ARCH, To::Next, To::Label(Label::Allow)),
        Step::new(LOAD, offset(offset_of!(libc::seccomp_data, nr))),
        #[cfg(target_arch = "x86_64")]
        Step::jump(AT_LEAST, X32, To::Label(Label::Allow), To::Next),
    ]
}

/// Returns the steps that send the calls of a list to a label.
fn numbers(list: &[c_long], label: Label) -> Vec<Step> {
    list.iter().map(|call| Step::jump(EQUAL, number(*call), To::Label(label), To::Next)).collect()
}

fn epilogue() -> Vec<Step> {
    vec![
        Step::new(RETURN, ALLOW).labelled(Label::Allow),
        Step::new(RETURN, NOTIFY).labelled(Label::Notify),
    ]
}

/// Turns labels into distances.
fn assemble(parts: impl IntoIterator<Item = Vec<Step>>) -> Vec<Instruction> {
    let steps: Vec<Step> = parts.into_iter().flatten().collect();
    let distance = |at: usize, to: To| match to {
        To::Next => 0,
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

/// Returns the offset of the low half of an argument. Descriptors, flags and commands have 32 bits.
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

    /// Returns what a filter decides about a call.
    fn verdict<const N: usize>(
        filter: &[Instruction],
        arch: u32,
        call: c_long,
        args: [u64; N],
    ) -> u32 {
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
                HAS_BIT => jump(accumulator & k != 0),
                RETURN => return k,
                _ => panic!("code {code}"),
            }
        }
    }

    /// Descriptors, and what a filter for 768 to 1023 decides about calls on them.
    const DESCRIPTORS: [(u64, u32); 7] = [
        (0, ALLOW),
        (767, ALLOW),
        (768, NOTIFY),
        (1023, NOTIFY),
        (1024, ALLOW),
        (u64::MAX, ALLOW),
        // The upper half of a register is not part of a descriptor.
        (0xdead_beef_0000_0300, NOTIFY),
    ];

    fn filters() -> [Vec<Instruction>; 2] {
        [handover(&(768..1024)), trap(&(768..1024))]
    }

    #[test]
    fn paths_wait_for_the_server() {
        for filter in filters() {
            for call in OPENS.iter().chain(LOOKS) {
                assert_eq!(verdict(&filter, ARCH, *call, [0, 0]), NOTIFY, "{call}");
                assert_eq!(verdict(&filter, ARCH ^ 1, *call, [0, 0]), ALLOW, "{call}");
            }
            for call in [libc::SYS_close, libc::SYS_execve, libc::SYS_futex, libc::SYS_mmap] {
                assert_eq!(verdict(&filter, ARCH, call, [1000, 0]), ALLOW, "{call}");
            }
        }
    }

    #[test]
    fn a_stat_of_a_descriptor_waits_only_if_that_is_of_the_range() {
        let empty = u64::from(libc::AT_EMPTY_PATH.unsigned_abs());
        let follow = u64::from(libc::AT_SYMLINK_NOFOLLOW.unsigned_abs());
        let here = i64::from(libc::AT_FDCWD).cast_unsigned();
        for filter in filters() {
            let newfstatat = |descriptor, flags| {
                verdict(&filter, ARCH, libc::SYS_newfstatat, [descriptor, 0, 0, flags])
            };
            let statx =
                |descriptor, flags| verdict(&filter, ARCH, libc::SYS_statx, [descriptor, 0, flags]);
            for (descriptor, wanted) in DESCRIPTORS {
                assert_eq!(newfstatat(descriptor, empty), wanted, "{descriptor}");
                assert_eq!(statx(descriptor, empty | follow), wanted, "{descriptor}");
                assert_eq!(newfstatat(descriptor, follow), NOTIFY, "{descriptor}");
                assert_eq!(statx(descriptor, 0), NOTIFY, "{descriptor}");
            }
            assert_eq!((newfstatat(here, empty), statx(here, empty)), (NOTIFY, NOTIFY));
        }
    }

    #[test]
    fn calls_wait_on_descriptors_of_the_range_only() {
        let [handover, trap] = filters();
        let check = |filter, calls: &[c_long]| {
            for call in calls {
                for (descriptor, wanted) in DESCRIPTORS {
                    let found = verdict(filter, ARCH, *call, [descriptor, 0]);
                    assert_eq!(found, wanted, "{call} on {descriptor}");
                }
            }
        };
        for calls in [ON_FILES, ON_FOLDERS, DUPS] {
            check(&handover, calls);
        }
        for calls in [ON_FILES, ON_FOLDERS, DUPS, ON_SOCKETS, BETWEEN_FIRST_TWO] {
            check(&trap, calls);
        }
        for call in ON_SOCKETS {
            assert_eq!(verdict(&handover, ARCH, *call, [800, 0]), ALLOW, "{call}");
        }
        assert_eq!(verdict(&trap, ARCH, libc::SYS_close, [800, 0]), ALLOW);
        assert_eq!(verdict(&trap, ARCH, libc::SYS_pidfd_getfd, [5, 3]), NOTIFY);
    }

    #[test]
    fn bytes_between_two_descriptors_wait_if_either_is_of_the_range() {
        let filter = trap(&(768..1024));
        for (descriptor, wanted) in DESCRIPTORS {
            for call in BETWEEN_FIRST_TWO {
                assert_eq!(verdict(&filter, ARCH, *call, [5, descriptor]), wanted, "{descriptor}");
            }
            let splice = |args: [u64; 3]| verdict(&filter, ARCH, libc::SYS_splice, args);
            assert_eq!(splice([5, 800, descriptor]), wanted, "{descriptor}");
            assert_eq!(splice([descriptor, 0, 5]), wanted, "{descriptor}");
        }
    }

    #[test]
    fn of_fcntl_only_dups_wait() {
        for filter in filters() {
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
    }

    #[test]
    fn the_handover_stops_requests_for_user_timers() {
        let [handover, trap] = filters();
        let create = u64::from(aseqd_abi::ioctl::timers::CREATE);
        for (descriptor, wanted) in DESCRIPTORS {
            let ask = |filter| verdict(filter, ARCH, libc::SYS_ioctl, [descriptor, create]);
            assert_eq!(ask(&handover), NOTIFY, "{descriptor}");
            assert_eq!(ask(&trap), wanted, "{descriptor}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_other_interfaces_of_the_machine_are_left_alone() {
        for filter in filters() {
            let call = libc::SYS_openat | c_long::from(X32);
            assert_eq!(verdict(&filter, ARCH, call, [0, 0]), ALLOW);
        }
    }
}
