//! `kcsan-cc` compiles C programs so that they report their data races.

fn main() {
    kcsan::program::cc::main();
}
