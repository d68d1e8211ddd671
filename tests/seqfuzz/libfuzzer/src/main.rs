//! The engine under libFuzzer, with calls made of bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seqfuzz::bytes::run(data));
