//! `seed1` runs a model of a bug of the kernel's, `seed1 fixed` runs it with the fix.

mod model;

fn main() {
    model::run(std::env::args().nth(1).is_some_and(|word| word == "fixed"));
}
