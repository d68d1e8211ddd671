//! The seccomp filter: it stops the calls of [`crate::calls`] for the tracer, and lets all others through.
//!
//! It decides by the number first, so that the kernel knows from its table which calls are always let through, and does
//! not run the filter for them (Linux 5.11 and later).
#![expect(unsafe_code, reason = "seccomp has no safe wrapper")]

use crate::arch::AUDIT_ARCH;
use crate::calls::rows;
use crate::rows::{CLOCKS, When};
use std::io;

/// x86: the bit in the number of a call of the x32 kind.
const X32: u32 = 0x4000_0000;

type Instruction = libc::sock_filter;

const NUMBER: u32 = 0;
const ARCH: u32 = 4;

/// Returns where the lower half of an argument is; the upper half comes after it on both processors.
const fn argument(index: u8) -> u32 {
    16 + 8 * index as u32
}

#[expect(clippy::cast_possible_truncation, reason = "codes of instructions have 16 bits")]
const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code: code as u16, jt, jf, k }
}

const fn load(at: u32) -> Instruction {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at)
}

const fn equal(value: u32, jt: u8, jf: u8) -> Instruction {
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jt, jf, value)
}

const fn result(value: u32) -> Instruction {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, value)
}

const ALLOW: Instruction = result(libc::SECCOMP_RET_ALLOW);
const STOP: Instruction = result(libc::SECCOMP_RET_TRACE);

/// Returns the filter.
pub(crate) fn program() -> Vec<Instruction> {
    // The tracer knows by the registers that such a program is not of the processor's own kind.
    let mut program = vec![load(ARCH), equal(AUDIT_ARCH, 1, 0), STOP, load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        let at_least = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
        // The number -1 is no call: the kernel refuses it.
        program.extend([equal(u32::MAX, 1, 0), instruction(at_least, 0, 1, X32), STOP]);
    }
    for row in rows() {
        let number = u32::try_from(row.number).unwrap_or(u32::MAX);
        let decide = decision(row.when);
        let skip = u8::try_from(decide.len()).unwrap_or(u8::MAX);
        program.push(equal(number, 0, skip));
        program.extend(decide);
    }
    program.push(ALLOW);
    program
}

/// Returns the instructions that decide about one call, and end in a result.
fn decision(when: When) -> Vec<Instruction> {
    match when {
        When::Always => vec![STOP],
        When::Given(index) => given(index),
        When::Positive(index) => {
            let greater = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
            // As a number without sign, a negative one is at least 2^31.
            let (zero, negative) = (equal(0, 2, 0), instruction(greater, 1, 0, 1 << 31));
            vec![load(argument(index)), zero, negative, STOP, ALLOW]
        }
        When::Clock(index) => {
            let clocks: Vec<u32> = CLOCKS.iter().map(|clock| clock.cast_unsigned()).collect();
            one_of(index, u32::MAX, &clocks, vec![STOP])
        }
        When::OneOf(index, mask, numbers, pointer) => one_of(index, mask, numbers, given(pointer)),
    }
}

/// Stops if an argument is not 0.
fn given(index: u8) -> Vec<Instruction> {
    let (low, high) = (argument(index), argument(index) + 4);
    vec![load(low), equal(0, 0, 2), load(high), equal(0, 1, 0), STOP, ALLOW]
}

/// Goes on with `then` if an argument, after a mask, is one of these numbers.
fn one_of(index: u8, mask: u32, numbers: &[u32], then: Vec<Instruction>) -> Vec<Instruction> {
    let and = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
    let mut program = vec![load(argument(index)), instruction(and, 0, 0, mask)];
    for (at, number) in numbers.iter().enumerate() {
        let left = u8::try_from(numbers.len() - at).unwrap_or(u8::MAX);
        program.push(equal(*number, left, 0));
    }
    program.push(ALLOW);
    program.extend(then);
    program
}

/// Installs the filter for this thread and everything that it starts.
///
/// A thread without the privilege to do so gets `no_new_privs` set first.
pub(crate) fn install() -> io::Result<()> {
    let filter = program();
    let length = u16::try_from(filter.len()).map_err(|_| io::Error::other("filter too long"))?;
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    let mut flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    loop {
        let (operation, from) = (libc::SECCOMP_SET_MODE_FILTER, &raw const program);
        // SAFETY: the program is valid, and its instructions live through the call.
        match unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, from) } {
            0 => return Ok(()),
            _ => match io::Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::EACCES) => {
                    rustix::thread::set_no_new_privs(true)?;
                }
                // Before Linux 4.17 the flag is not known.
                error if error.raw_os_error() == Some(libc::EINVAL) && flags != 0 => flags = 0,
                error => return Err(error),
            },
        }
    }
}
