//! `seed1` runs a model of a kernel bug, and `seed1 fixed` runs it with the fix.

mod model;

fn main() {
    model::run(std::env::args().nth(1).is_some_and(|word| word == "fixed"));
}
