//! Values of MIDI 1.0 as values of MIDI 2.0, and back.
//!
//! Up, zero, the centre and the maximum become zero, the exact centre and all ones; above the centre, the
//! low bits repeat the value. Down, the low bits are cut off. So down after up gives the same value.
//!
//! Up, a value with more bits than the name of the function says is no error. The kernel does not mask such
//! values of a packet, and here they give the same.

/// Scales 7 bits to 16, as for the velocity of a note.
#[must_use]
pub const fn up_7_to_16(value: u8) -> u16 {
    let value = value as u16;
    let repeat = if value > 0x40 { value & 0x3f } else { 0 };
    value << 9 | repeat << 3 | repeat >> 3
}

/// Scales 7 bits to 32, as for controllers and pressures.
#[must_use]
pub const fn up_7_to_32(value: u8) -> u32 {
    let value = value as u32;
    let repeat = if value > 0x40 { value & 0x3f } else { 0 };
    value << 25 | repeat << 19 | repeat << 13 | repeat << 7 | repeat << 1 | repeat >> 5
}

/// Scales 14 bits to 32, as for pitch bend and parameters.
#[must_use]
pub const fn up_14_to_32(value: u16) -> u32 {
    let value = value as u32;
    let repeat = if value > 0x2000 { value & 0x1fff } else { 0 };
    value << 18 | repeat << 5 | repeat >> 8
}

/// Scales 16 bits to 7.
#[must_use]
pub const fn down_16_to_7(value: u16) -> u8 {
    (value >> 9) as u8
}

/// Scales 32 bits to 7.
#[must_use]
pub const fn down_32_to_7(value: u32) -> u8 {
    (value >> 25) as u8
}

/// Scales 32 bits to 14.
#[must_use]
pub const fn down_32_to_14(value: u32) -> u16 {
    (value >> 18) as u16
}
