//! What MIDI 1.0 says in several controllers and MIDI 2.0 in one message: banks and parameters.

use super::packet::{ChannelHead, Packet, status};
use super::scale;

/// What the kernel remembers for a destination port, by channel: the bank and the parameter that controllers
/// have selected and that wait for their program or value.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Memory {
    channels: [Channel; 16],
}

/// What is remembered for one channel. Numbers stay when the flags that say that they count are cleared.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Channel {
    rpn: Halves,
    nrpn: Halves,
    data: Halves,
    bank: Halves,
    has_rpn: bool,
    has_nrpn: bool,
    has_data_msb: bool,
    has_data_lsb: bool,
    has_bank: bool,
}

/// A 14-bit number as two 7-bit halves.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Halves {
    pub(super) msb: u8,
    pub(super) lsb: u8,
}

impl Halves {
    /// Takes the low 14 bits of a number.
    pub(super) const fn new(number: u32) -> Self {
        Self { msb: (number >> 7 & 0x7f) as u8, lsb: (number & 0x7f) as u8 }
    }

    /// Sets the halves that are given.
    fn set(&mut self, msb: Option<u8>, lsb: Option<u8>) {
        self.msb = msb.unwrap_or(self.msb);
        self.lsb = lsb.unwrap_or(self.lsb);
    }

    /// Returns the number.
    pub(super) const fn number(self) -> u16 {
        (self.msb as u16) << 7 | self.lsb as u16
    }
}

/// The controllers that MIDI 2.0 has other messages for.
const BANK_MSB: u8 = 0;
const DATA_MSB: u8 = 6;
const BANK_LSB: u8 = 32;
const DATA_LSB: u8 = 38;
const NRPN_LSB: u8 = 98;
const NRPN_MSB: u8 = 99;
const RPN_LSB: u8 = 100;
const RPN_MSB: u8 = 101;

impl Memory {
    /// Returns what is remembered for a channel, of which the low four bits count.
    pub(super) fn channel(&mut self, channel: u8) -> &mut Channel {
        &mut self.channels[usize::from(channel & 0xf)]
    }
}

impl Channel {
    /// Takes a control change, both bytes below 128. Returns the packet that it completes or stands for.
    pub(super) fn control_change(
        &mut self,
        head: ChannelHead,
        index: u8,
        value: u8,
    ) -> Option<Packet> {
        match index {
            RPN_MSB => self.select_rpn(head, Some(value), None),
            RPN_LSB => self.select_rpn(head, None, Some(value)),
            NRPN_MSB => self.select_nrpn(head, Some(value), None),
            NRPN_LSB => self.select_nrpn(head, None, Some(value)),
            DATA_MSB => {
                self.has_data_msb = true;
                self.data.msb = value;
                self.take_value(head, false)
            }
            DATA_LSB => {
                self.has_data_lsb = true;
                self.data.lsb = value;
                self.take_value(head, false)
            }
            BANK_MSB | BANK_LSB => {
                self.bank_select(index, value);
                None
            }
            _ => Some(head.midi2(status::CONTROLLER, index, 0, scale::up_7_to_32(value))),
        }
    }

    /// Takes a control change if it selects a bank. Returns whether it did.
    pub(super) fn bank_select(&mut self, index: u8, value: u8) -> bool {
        match index {
            BANK_MSB => self.bank.msb = value,
            BANK_LSB => self.bank.lsb = value,
            _ => return false,
        }
        self.has_bank = true;
        true
    }

    /// Takes a 14-bit control change of a controller that is not an ordinary one. Returns whether it was, and the
    /// packet that it completes.
    pub(super) fn control14(
        &mut self,
        head: ChannelHead,
        index: u8,
        value: Halves,
    ) -> Option<Option<Packet>> {
        let Halves { msb, lsb } = value;
        Some(match index {
            RPN_MSB | RPN_LSB => self.select_rpn(head, Some(msb), Some(lsb)),
            NRPN_MSB | NRPN_LSB => self.select_nrpn(head, Some(msb), Some(lsb)),
            DATA_MSB | DATA_LSB => {
                self.data = value;
                self.has_data_msb = true;
                self.has_data_lsb = true;
                self.take_value(head, false)
            }
            BANK_MSB => {
                self.bank = value;
                self.has_bank = true;
                None
            }
            BANK_LSB => {
                self.bank_select(BANK_LSB, lsb);
                None
            }
            _ => return None,
        })
    }

    /// Returns a program change with the remembered bank, which it forgets.
    pub(super) fn program(&mut self, head: ChannelHead, program: u8) -> Packet {
        let program = u32::from(program) << 24;
        if !self.has_bank {
            return head.midi2(status::PROGRAM, 0, 0, program);
        }
        self.has_bank = false;
        let Halves { msb, lsb } = self.bank;
        head.midi2(status::PROGRAM, 0, 1, program | u32::from(msb) << 8 | u32::from(lsb))
    }

    /// Selects a registered parameter by one half of its number or both; 127/127 selects none. Returns the packet of a
    /// value that waits.
    fn select_rpn(
        &mut self,
        head: ChannelHead,
        msb: Option<u8>,
        lsb: Option<u8>,
    ) -> Option<Packet> {
        let waiting = self.take_value(head, true);
        self.rpn.set(msb, lsb);
        self.has_rpn = true;
        if self.rpn == (Halves { msb: 127, lsb: 127 }) {
            self.reset();
        }
        waiting
    }

    /// Selects a non-registered parameter in the same way. Returns the packet of a value that waits.
    fn select_nrpn(
        &mut self,
        head: ChannelHead,
        msb: Option<u8>,
        lsb: Option<u8>,
    ) -> Option<Packet> {
        let waiting = self.take_value(head, true);
        self.nrpn.set(msb, lsb);
        self.has_nrpn = true;
        waiting
    }

    /// Returns the value of the selected parameter and forgets both, if the value is there: both halves, or any if
    /// `partial`.
    fn take_value(&mut self, head: ChannelHead, partial: bool) -> Option<Packet> {
        let complete = self.has_data_msb && self.has_data_lsb;
        if !complete && !(partial && (self.has_data_msb || self.has_data_lsb)) {
            return None;
        }
        let (status, number) = if self.has_rpn {
            // Also if a non-registered parameter was selected later.
            (status::RPN, self.rpn)
        } else if self.has_nrpn {
            (status::NRPN, self.nrpn)
        } else {
            return None;
        };
        let value = scale::up_14_to_32(self.data.number());
        self.reset();
        Some(head.midi2(status, number.msb, number.lsb, value))
    }

    /// Forgets the parameter and its value.
    fn reset(&mut self) {
        *self =
            Self { nrpn: self.nrpn, bank: self.bank, has_bank: self.has_bank, ..Self::default() };
    }
}
