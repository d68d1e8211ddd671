//! `kcsan-cxx` compiles C++ programs so that they report their data races. Packages install it as `kcsan-c++`, a name
//! that Cargo does not allow.

fn main() {
    kcsan::program::cc::main();
}
