//! The instructions of the entries on aarch64. The size, the kind and the place are the second to fourth argument; the
//! place is the return address.

macro_rules! size {
    () => {
        "mov w1, {size}"
    };
}
macro_rules! kind_of {
    () => {
        "mov w2, {kind}"
    };
}
macro_rules! place {
    () => {
        "mov x3, x30"
    };
}
macro_rules! jump {
    ($to:literal) => {
        concat!("b ", $to)
    };
}
macro_rules! return_zero {
    () => {
        "mov x0, 0\nret"
    };
}
// No store is delayed here.
macro_rules! forget_delayed {
    () => {
        "// {delayed}"
    };
}
// Compares what a pointer points to with a value.
macro_rules! if_equal {
    ($to:literal) => {
        concat!("ldr x2, [x0]\ncmp x2, x1\nb.ne 2f\nb ", $to, "\n2:")
    };
}

// Plain accesses have no fast path of their own.
macro_rules! plain {
    ($($all:tt)*) => { other! { $($all)* } };
}
