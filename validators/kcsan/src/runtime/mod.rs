//! The runtime, which the compiler's calls before every access reach.
//!
//! A thread lets most accesses pass and stops at one in some thousands. There it sets a *watchpoint* on the address
//! and waits for some microseconds. An access of another thread to a watched address is a race. So is a changed value
//! without such an access. The thread stands right in front of its own access, so nothing orders the two.
//!
//! The runtime is one object in the program that it checks. It has a Rust library, an allocator and stacks of its
//! own, which the program does not see. So it can make reports anywhere, in signal handlers too. None of it is
//! instrumented.

#[cfg(not(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_os = "linux",
    target_env = "gnu"
)))]
compile_error!(
    "kcsan works on x86-64 and aarch64 Linux with glibc only: its entries and its thread data are written for that"
);

mod access;
mod alloc;
mod api;
mod atomics;
#[cfg(target_arch = "x86_64")]
mod code;
mod delayed;
mod entry;
mod heat;
mod memory;
mod options;
mod output;
mod print;
mod process;
mod region;
mod setup;
mod stack;
mod suppress;
mod symbols;
mod table;
mod thread;
mod watch;
