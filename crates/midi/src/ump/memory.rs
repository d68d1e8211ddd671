//! What MIDI 1.0 says in several controllers and MIDI 2.0 in one message: banks and parameters.

use super::packet::{ChannelHead, Packet, status};
use super::scale;

/// What the kernel remembers for a destination port, by channel: the bank and the parameter that controllers
/// have selected and that wait for their program or value.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Memory {
    channels: [Channel; 16],
}

/// Which parameter the controllers have selected.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
enum Selected {
    #[default]
    Nothing,
    Registered,
    NonRegistered,
}

/// What is remembered for one channel.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    selected: Selected,
    rpn: Halves,
    nrpn: Halves,
    data: Halves,
    has_data_msb: bool,
    has_data_lsb: bool,
    bank: Option<Halves>,
}

/// A 14-bit number as two 7-bit halves.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Halves {
    pub(super) msb: u8,
    pub(super) lsb: u8,
}

impl Halves {
    /// Takes the low 14 bits of a number.
    pub(super) const fn new(number: u32) -> Self {
        Self { msb: (number >> 7 & 0x7f) as u8, lsb: (number & 0x7f) as u8 }
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
            RPN_MSB | RPN_LSB | NRPN_MSB | NRPN_LSB => {
                let pending = self.take_value(head, true);
                self.select(index, value);
                pending
            }
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
            BANK_MSB => {
                self.bank.get_or_insert_default().msb = value;
                None
            }
            BANK_LSB => {
                self.bank.get_or_insert_default().lsb = value;
                None
            }
            _ => Some(head.midi2(status::CONTROLLER, index, 0, scale::up_7_to_32(value))),
        }
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
            RPN_MSB | RPN_LSB => {
                let pending = self.take_value(head, true);
                self.select(RPN_MSB, msb);
                self.select(RPN_LSB, lsb);
                pending
            }
            NRPN_MSB | NRPN_LSB => {
                let pending = self.take_value(head, true);
                self.select(NRPN_MSB, msb);
                self.select(NRPN_LSB, lsb);
                pending
            }
            DATA_MSB | DATA_LSB => {
                self.data = value;
                self.has_data_msb = true;
                self.has_data_lsb = true;
                self.take_value(head, false)
            }
            BANK_MSB => {
                self.bank = Some(value);
                None
            }
            BANK_LSB => {
                self.bank.get_or_insert_default().lsb = lsb;
                None
            }
            _ => return None,
        })
    }

    /// Returns a program change with the remembered bank, which it forgets.
    pub(super) fn program(&mut self, head: ChannelHead, program: u8) -> Packet {
        let program = u32::from(program) << 24;
        match self.bank.take() {
            None => head.midi2(status::PROGRAM, 0, 0, program),
            Some(Halves { msb, lsb }) => {
                let value = program | u32::from(msb) << 8 | u32::from(lsb);
                head.midi2(status::PROGRAM, 0, 1, value)
            }
        }
    }

    /// Takes one half of a parameter's number.
    fn select(&mut self, index: u8, value: u8) {
        match index {
            RPN_MSB => self.rpn.msb = value,
            RPN_LSB => self.rpn.lsb = value,
            NRPN_MSB => self.nrpn.msb = value,
            _ => self.nrpn.lsb = value,
        }
        if index < RPN_LSB {
            self.selected = Selected::NonRegistered;
        } else if self.rpn == (Halves { msb: 127, lsb: 127 }) {
            self.reset();
        } else {
            self.selected = Selected::Registered;
        }
    }

    /// Returns the value of the selected parameter and forgets both, if the value is there: both halves, or any if
    /// `partial`.
    fn take_value(&mut self, head: ChannelHead, partial: bool) -> Option<Packet> {
        let complete = self.has_data_msb && self.has_data_lsb;
        if !complete && !(partial && (self.has_data_msb || self.has_data_lsb)) {
            return None;
        }
        let (status, number) = match self.selected {
            Selected::Nothing => return None,
            Selected::Registered => (status::RPN, self.rpn),
            Selected::NonRegistered => (status::NRPN, self.nrpn),
        };
        let value = scale::up_14_to_32(self.data.number());
        self.reset();
        Some(head.midi2(status, number.msb, number.lsb, value))
    }

    /// Forgets the parameter and its value.
    fn reset(&mut self) {
        *self = Self { bank: self.bank, ..Self::default() };
    }
}
