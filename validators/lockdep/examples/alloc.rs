//! A callback allocates memory.

use lockdep::hardirq_enter;

#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

fn main() {
    let section = hardirq_enter("callback");
    let frames = std::hint::black_box(vec![0.0_f32; 64]);
    // Its release here is fine.
    drop(section);
    drop(frames);
}
