//! `LD_PRELOAD=liblockdep_preload.so PROGRAM` checks an unmodified C program.
//!
//! * `locks`: `pthread_mutex_*`, `pthread_rwlock_*`, `pthread_spin_*`. The class of a lock is the line
//!   that initialises it; a statically initialised one is a class by itself.
//! * `memory`: `malloc` and its family.
//! * `waits`: calls that block. In threads whose name matches `LOCKDEP_ATOMIC_THREADS` everything
//!   between two of the waiting ones (`poll`, `sem_wait`, ...) is a hardirq-like section.
//! * `sections`: what `lockdep.h` declares, for programs that mark their callbacks themselves.
//!
//! x86-64 and glibc; elsewhere the library is empty.

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod locks;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod memory;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod next;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod sections;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod waits;
