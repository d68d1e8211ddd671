//! The program `aseqd`.
