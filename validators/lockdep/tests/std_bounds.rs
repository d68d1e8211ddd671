//! The locks and guards that stand in the place of others are `Send`, `Sync` and unwind-safe under the same bounds.

#![expect(clippy::disallowed_types, reason = "std's locks are what is compared with")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::atomic::AtomicU32;

/// Returns which of these traits a type has. A constant of `Of` itself hides that of the trait.
macro_rules! bounds {
    ($type:ty) => {{
        struct Of<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code, reason = "hidden if the type has all")]
        trait None {
            const SEND: bool = false;
            const SYNC: bool = false;
            const UNWIND_SAFE: bool = false;
            const REF_UNWIND_SAFE: bool = false;
        }
        impl<T: ?Sized> None for Of<T> {}
        #[allow(dead_code, reason = "not there if the type is not")]
        impl<T: ?Sized + Send> Of<T> {
            const SEND: bool = true;
        }
        #[allow(dead_code, reason = "not there if the type is not")]
        impl<T: ?Sized + Sync> Of<T> {
            const SYNC: bool = true;
        }
        #[allow(dead_code, reason = "not there if the type is not")]
        impl<T: ?Sized + UnwindSafe> Of<T> {
            const UNWIND_SAFE: bool = true;
        }
        #[allow(dead_code, reason = "not there if the type is not")]
        impl<T: ?Sized + RefUnwindSafe> Of<T> {
            const REF_UNWIND_SAFE: bool = true;
        }
        let of = |it: [bool; 4]| it;
        of([
            <Of<$type>>::SEND,
            <Of<$type>>::SYNC,
            <Of<$type>>::UNWIND_SAFE,
            <Of<$type>>::REF_UNWIND_SAFE,
        ])
    }};
}

/// Compares types of two modules, around data that is both `Send` and `Sync`, only one of them, or neither.
macro_rules! same {
    ($ours:path, $theirs:path: $($type:tt)*) => {{
        mod ours { #[allow(unused_imports)] pub(super) use $ours::*; }
        mod theirs { #[allow(unused_imports)] pub(super) use $theirs::*; }
        same!(@each ours, theirs: $($type)*);
    }};
    (@each $ours:ident, $theirs:ident: $($name:ident $(<$life:lifetime>)?),* $(,)?) => {
        $(
            same!(@data $ours, $theirs, $name $(<$life>)?, AtomicU32);
            same!(@data $ours, $theirs, $name $(<$life>)?, Cell<u32>);
            same!(@data $ours, $theirs, $name $(<$life>)?, std::sync::MutexGuard<'static, u32>);
            same!(@data $ours, $theirs, $name $(<$life>)?, Rc<u32>);
        )*
    };
    (@data $ours:ident, $theirs:ident, $name:ident $(<$life:lifetime>)?, $data:ty) => {
        assert_eq!(
            bounds!($ours::$name<$($life,)? $data>),
            bounds!($theirs::$name<$($life,)? $data>),
            "{} of {}: Send, Sync, UnwindSafe, RefUnwindSafe",
            stringify!($name),
            stringify!($data),
        );
    };
}

#[test]
fn those_of_std() {
    same!(lockdep::std::sync, std::sync:
        Mutex, MutexGuard<'static>, RwLock, RwLockReadGuard<'static>, RwLockWriteGuard<'static>,
        OnceLock, LazyLock);
    same!(lockdep::std::sync::mpsc, std::sync::mpsc:
        Sender, SyncSender, Receiver, Iter<'static>, TryIter<'static>, IntoIter);
    assert_eq!(bounds!(lockdep::std::sync::Once), bounds!(std::sync::Once));
    assert_eq!(bounds!(lockdep::std::sync::Condvar), bounds!(std::sync::Condvar));
    assert_eq!(bounds!(lockdep::std::sync::Barrier), bounds!(std::sync::Barrier));
}

#[test]
fn those_of_parking_lot() {
    same!(lockdep::parking_lot, parking_lot:
        Mutex, MutexGuard<'static>, MappedMutexGuard<'static>,
        FairMutex, FairMutexGuard<'static>, MappedFairMutexGuard<'static>,
        RwLock, RwLockReadGuard<'static>, RwLockWriteGuard<'static>,
        RwLockUpgradableReadGuard<'static>,
        MappedRwLockReadGuard<'static>, MappedRwLockWriteGuard<'static>,
        ReentrantMutex, ReentrantMutexGuard<'static>, MappedReentrantMutexGuard<'static>);
    assert_eq!(bounds!(lockdep::parking_lot::Once), bounds!(parking_lot::Once));
    assert_eq!(bounds!(lockdep::parking_lot::Condvar), bounds!(parking_lot::Condvar));
}
