//! How the engine's state is stored, with the feature `serde`: what serde cannot do by itself.
//!
//! Structs of the interface are stored as their bytes.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Reads bytes, and makes something of them.
struct Bytes<T>(PhantomData<T>);

impl<'de, T: FromBytes> Visitor<'de> for Bytes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", size_of::<T>())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        T::read_from_bytes(bytes).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

/// Structs of the interface, numbers and arrays of them.
pub(crate) mod plain {
    use super::*;

    pub(crate) fn serialize<T: IntoBytes + Immutable, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(value.as_bytes())
    }

    pub(crate) fn deserialize<'de, T: FromBytes, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        from.deserialize_bytes(Bytes(PhantomData))
    }
}

/// Sets of flags.
pub(crate) mod flags {
    use super::*;
    use aseqd_abi::seq::{ClientFilter, PortCaps, PortFlags};
    use serde::Deserialize as _;

    /// A set of flags as a number.
    pub(crate) trait Flags {
        fn to_number(&self) -> u32;
        fn from_number(number: u32) -> Self;
    }

    macro_rules! flags {
        ($($flags:ty),*) => {$(
            impl Flags for $flags {
                fn to_number(&self) -> u32 {
                    self.bits()
                }
                fn from_number(number: u32) -> Self {
                    Self::from_bits_retain(number)
                }
            }
        )*};
    }
    flags!(ClientFilter, PortCaps, PortFlags);

    pub(crate) fn serialize<T: Flags, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(value.to_number())
    }

    pub(crate) fn deserialize<'de, T: Flags, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        u32::deserialize(from).map(T::from_number)
    }
}

/// The kind of a timer's record.
pub(crate) mod event {
    use super::*;
    use aseqd_abi::timer::TimerEvent;
    use serde::Deserialize as _;

    pub(crate) fn serialize<S: Serializer>(value: &TimerEvent, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i32(value.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TimerEvent, D::Error> {
        i32::deserialize(from).map(TimerEvent)
    }
}

/// A list of such structs.
pub(crate) mod plain_list {
    use super::*;
    use serde::{Deserialize as _, Serialize as _};

    pub(crate) fn serialize<T: IntoBytes + Immutable, S: Serializer>(
        values: &[T],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        values.as_bytes().serialize(to)
    }

    pub(crate) fn deserialize<'de, T: FromBytes, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<T>, D::Error> {
        let bytes = Vec::<u8>::deserialize(from)?;
        let values = bytes.chunks(size_of::<T>()).map(T::read_from_bytes);
        values.collect::<Result<_, _>>().map_err(|_| D::Error::custom("a list is not whole"))
    }
}

/// Such a struct behind a pointer that may be empty.
pub(crate) mod boxed {
    use super::*;
    use alloc::boxed::Box;
    use serde::{Deserialize as _, Serialize as _};

    pub(crate) fn serialize<T: IntoBytes + Immutable, S: Serializer>(
        value: &Option<Box<T>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().map(IntoBytes::as_bytes).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: FromBytes, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Box<T>>, D::Error> {
        from_bytes(Option::deserialize(from)?)
    }

    pub(super) fn from_bytes<T: FromBytes, E: Error>(
        bytes: Option<Vec<u8>>,
    ) -> Result<Option<Box<T>>, E> {
        let whole = |bytes: Vec<u8>| T::read_from_bytes(&bytes).map(Box::new).ok();
        let read = |bytes| whole(bytes).ok_or_else(|| E::custom("a struct is not whole"));
        bytes.map(read).transpose()
    }
}

/// An array of such pointers.
pub(crate) mod boxes {
    use super::*;
    use alloc::boxed::Box;
    use serde::{Deserialize as _, Serialize as _};

    pub(crate) fn serialize<T: IntoBytes + Immutable, S: Serializer, const N: usize>(
        values: &[Option<Box<T>>; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes = values.iter().map(|value| value.as_deref().map(IntoBytes::as_bytes));
        bytes.collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, T: FromBytes, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[Option<Box<T>>; N], D::Error> {
        let all = Vec::<Option<Vec<u8>>>::deserialize(from)?;
        let all: Vec<_> = all.into_iter().map(boxed::from_bytes).collect::<Result<_, _>>()?;
        all.try_into().map_err(|_| D::Error::custom("a table has another length"))
    }
}

/// A table that is longer than the arrays that serde knows.
pub(crate) mod table {
    use super::*;
    use alloc::boxed::Box;
    use serde::{Deserialize, Serialize};

    pub(crate) fn serialize<T: Serialize, S: Serializer, const N: usize>(
        table: &[Option<T>; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        table.as_slice().serialize(to)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<Box<[Option<T>; N]>, D::Error> {
        let all = Vec::<Option<T>>::deserialize(from)?;
        all.try_into().map_err(|_| D::Error::custom("a table has another length"))
    }
}
