//! Whether locks and guards are `Send` and `Sync`, compared with std's.
//!
//! With the feature `validate` they have other fields than without it. So this file is part of two programs: the probe,
//! which is built without the feature, and lockdep's own test, which is built with it.

#![expect(clippy::disallowed_types, reason = "std's locks are what is compared with")]
#![expect(elided_lifetimes_in_paths, reason = "one macro writes types with and without lifetimes")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{self, atomic::AtomicU32};

/// Whether a type is `Send`, and whether it is `Sync`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bounds {
    pub(crate) send: bool,
    pub(crate) sync: bool,
}

/// A type of lockdep, its expected bounds, and its actual ones.
pub(crate) type Row = (&'static str, Bounds, Bounds);

/// The [`Bounds`] of a type. If `Of` has a constant of its own, it hides the trait's.
macro_rules! bounds {
    ($type:ty) => {{
        struct Of<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code, reason = "hidden if the type is both")]
        trait Neither {
            const SEND: bool = false;
            const SYNC: bool = false;
        }
        impl<T: ?Sized> Neither for Of<T> {}
        #[allow(dead_code, reason = "not there if the type is not")]
        impl<T: ?Sized + Send> Of<T> {
            const SEND: bool = true;
        }
        #[allow(dead_code, reason = "not there if the type is not")]
        impl<T: ?Sized + Sync> Of<T> {
            const SYNC: bool = true;
        }
        Bounds { send: <Of<$type>>::SEND, sync: <Of<$type>>::SYNC }
    }};
}

/// Four rows for each pair of types: around data that is both, only `Send`, only `Sync`, neither.
macro_rules! pairs {
    ($($ours:ident$(<$($more:ty),+>)? as $std:ident;)*) => {
        [$(
            pairs!(@row $ours, $std, AtomicU32 $(, $($more),+)?),
            pairs!(@row $ours, $std, Cell<u32> $(, $($more),+)?),
            pairs!(@row $ours, $std, sync::MutexGuard<'static, u32> $(, $($more),+)?),
            pairs!(@row $ours, $std, Rc<u32> $(, $($more),+)?),
        )*]
    };
    (@row $ours:ident, $std:ident, $data:ty $(, $more:ty)*) => {
        (
            stringify!($ours<$data $(, $more)*>),
            bounds!(sync::$std<$data>),
            bounds!(lockdep::$ours<$data $(, $more)*>),
        )
    };
}

/// Every public type that has data or belongs to a thread.
pub(crate) fn rows() -> Vec<Row> {
    let guarded = pairs! {
        Mutex as Mutex;
        MutexGuard as MutexGuard;
        RwLock as RwLock;
        RwLockReadGuard as RwLockReadGuard;
        RwLockWriteGuard as RwLockWriteGuard;
        SpinLock as Mutex;
        SpinGuard as MutexGuard;
        SpinGuard<lockdep::Enabled> as MutexGuard;
        SpinGuard<lockdep::IrqFlags> as MutexGuard;
        RwSpinLock as RwLock;
        RwSpinReadGuard as RwLockReadGuard;
        RwSpinWriteGuard as RwLockWriteGuard;
    };
    let stays = Bounds { send: false, sync: false };
    let free = Bounds { send: true, sync: true };
    let mut rows = Vec::from(guarded);
    rows.extend([
        ("Section", stays, bounds!(lockdep::Section)),
        ("IrqFlags", stays, bounds!(lockdep::IrqFlags)),
        ("Map", free, bounds!(lockdep::Map)),
        ("Work", free, bounds!(lockdep::Work)),
        ("Place", free, bounds!(lockdep::Place)),
    ]);
    rows
}
