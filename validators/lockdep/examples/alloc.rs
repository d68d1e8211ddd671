//! A callback allocates memory.

use lockdep::hardirq_enter;

#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

fn main() {
    let _section = hardirq_enter("callback");
    std::hint::black_box(vec![0.0_f32; 64]);
}
