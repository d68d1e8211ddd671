//! What the wrappers of all locks have in common.
//!
//! A lock is a type of `lock_api` inside a type of ours, because only a function of ours learns the line that makes the
//! lock. The guards are those of `lock_api`.

/// Declares a lock around the type `Inner` of the calling module.
macro_rules! wrapper {
    ($(#[$doc:meta])* $name:ident of $raw:ty, $function:ident, $($more:ident: $more_type:ty)?) => {
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name<T: ?Sized>(pub(super) Inner<T>);

        /// Makes a lock. Its class is the type `T` and the calling line.
        #[track_caller]
        pub const fn $function<T>(val: T) -> $name<T> {
            $name::new(val)
        }

        impl<T> $name<T> {
            /// Makes a lock. Its class is the type `T` and the calling line.
            #[track_caller]
            #[inline]
            pub const fn new(val: T) -> Self {
                $(let $more = <$more_type as lock_api::GetThreadId>::INIT;)?
                Self(Inner::from_raw(<$raw>::around::<Self>(), $($more,)? val))
            }

            /// Makes a lock of a raw one, which is a class of its own.
            #[inline]
            pub const fn from_raw(raw: $raw, $($more: $more_type,)? val: T) -> Self {
                Self(Inner::from_raw(raw, $($more,)? val))
            }

            /// Makes a lock of a raw one, which is a class of its own.
            #[inline]
            pub const fn const_new(raw: $raw, $($more: $more_type,)? val: T) -> Self {
                Self(Inner::from_raw(raw, $($more,)? val))
            }

            /// Returns the data.
            #[inline]
            pub fn into_inner(self) -> T {
                self.0.into_inner()
            }
        }

        impl<T: ?Sized> $name<T> {
            /// Returns the data without locking: the exclusive reference shows that no other thread has it.
            #[inline]
            pub fn get_mut(&mut self) -> &mut T {
                self.0.get_mut()
            }
        }

        impl<T: ?Sized> std::ops::Deref for $name<T> {
            type Target = Inner<T>;

            #[inline]
            fn deref(&self) -> &Inner<T> {
                &self.0
            }
        }

        impl<T: ?Sized> std::ops::DerefMut for $name<T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut Inner<T> {
                &mut self.0
            }
        }

        impl<T: Default> Default for $name<T> {
            #[track_caller]
            fn default() -> Self {
                Self::new(T::default())
            }
        }

        impl<T> From<T> for $name<T> {
            #[track_caller]
            fn from(val: T) -> Self {
                Self::new(val)
            }
        }

        impl<T: ?Sized + std::fmt::Debug> std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        #[cfg(feature = "serde")]
        impl<T: ?Sized + serde::Serialize> serde::Serialize for $name<T> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for $name<T> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Inner::deserialize(deserializer).map(Self)
            }
        }
    };
}
pub(super) use wrapper;

/// Declares methods that call the same method of the lock inside.
macro_rules! forward {
    ($($doc:literal fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;)*) => { $(
        #[doc = $doc]
        #[track_caller]
        #[inline]
        pub fn $name(&self, $($arg: $type),*) $(-> $result)? {
            self.0.$name($($arg),*)
        }
    )* };
}
pub(super) use forward;

/// Declares unsafe methods that call the same method of the lock inside.
macro_rules! forward_unsafe {
    ($($doc:literal fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;)*) => { $(
        #[doc = $doc]
        ///
        /// # Safety
        ///
        /// See the function of this name of `lock_api`.
        #[track_caller]
        #[inline]
        pub unsafe fn $name(&self, $($arg: $type),*) $(-> $result)? {
            // SAFETY: the caller promises what the lock inside asks for.
            unsafe { self.0.$name($($arg),*) }
        }
    )* };
}
pub(super) use forward_unsafe;
