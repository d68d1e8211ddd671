//! `LD_PRELOAD=liblockdep_preload.so PROGRAM` checks an unmodified C program.
//!
//! * `locks`: `pthread_mutex_*`, `pthread_rwlock_*`, `pthread_spin_*`. The line that initialises a lock is its class. A
//!   statically initialised lock has a class of its own.
//! * `memory`: `malloc` and its family.
//! * `waits`: calls that block. In threads that run real-time code (`realtime`), the code between two calls that
//!   wait (`poll`, `sem_wait`, ...) is a hardirq-like section.
//! * `functions`: functions that `LOCKDEP_FUNCTIONS` names are hardirq-like sections.
//! * `sections`: the functions of `lockdep.h`, for programs that mark their callbacks themselves.
//!
//! The library works on x86-64 with glibc. Elsewhere it is empty.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod blocks;
mod callbacks;
mod calls;
mod classes;
mod create;
mod defects;
mod errno;
mod exports;
mod functions;
mod handlers;
mod locks;
mod lookups;
mod memory;
mod next;
mod realtime;
mod requests;
mod sections;
mod signals;
mod start;
mod std_locks;
mod threads;
mod waits;
