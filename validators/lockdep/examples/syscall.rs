//! A callback makes a system call.

use lockdep::hardirq_enter;

fn main() {
    let _section = hardirq_enter("callback").no_syscalls();
    std::thread::yield_now();
}
