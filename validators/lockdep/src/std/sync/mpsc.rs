//! [`std::sync::mpsc`] with checked calls: whatever may wait is reported where it must not.
//!
//! That includes [`Sender::send`]. It never waits for room, but it takes the lock of the receivers that sleep, and from
//! time to time it allocates.

use std::fmt;
use std::sync::mpsc as raw;
use std::time::Duration;

use crate::Place;

#[doc(no_inline)]
pub use ::std::sync::mpsc::*;

/// [`std::sync::mpsc::Sender`](raw::Sender), checked.
pub struct Sender<T>(raw::Sender<T>);

/// [`std::sync::mpsc::SyncSender`](raw::SyncSender), checked.
pub struct SyncSender<T>(raw::SyncSender<T>);

/// [`std::sync::mpsc::Receiver`](raw::Receiver), checked.
pub struct Receiver<T>(raw::Receiver<T>);

/// An iterator that waits for each message.
#[derive(Debug)]
pub struct Iter<'a, T: 'a>(&'a Receiver<T>);

/// An iterator that ends when no message is there.
#[derive(Debug)]
pub struct TryIter<'a, T: 'a>(&'a Receiver<T>);

/// An iterator that waits for each message, and has the receiver.
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>);

/// Makes a channel that holds any number of messages.
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = raw::channel();
    (Sender(sender), Receiver(receiver))
}

/// Makes a channel that holds at most `bound` messages.
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = raw::sync_channel(bound);
    (SyncSender(sender), Receiver(receiver))
}

impl<T> Sender<T> {
    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Returns the message if there is no receiver.
    #[track_caller]
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        crate::might_sleep_at(Place::here());
        self.0.send(t)
    }
}

impl<T> SyncSender<T> {
    /// Sends a message. Waits for room.
    ///
    /// # Errors
    ///
    /// Returns the message if there is no receiver.
    #[track_caller]
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        crate::might_sleep_at(Place::here());
        self.0.send(t)
    }

    /// Sends a message if there is room. It may have to take the lock of the receivers that sleep.
    ///
    /// # Errors
    ///
    /// Returns the message if there is no room or no receiver.
    #[track_caller]
    pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
        crate::might_sleep_at(Place::here());
        self.0.try_send(t)
    }
}

impl<T> Receiver<T> {
    /// Returns a message if one is there.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, or if there will be none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    /// Waits for a message.
    ///
    /// # Errors
    ///
    /// Returns an error if there will be none.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        crate::might_sleep_at(Place::here());
        self.0.recv()
    }

    /// Waits for a message, at most for a time.
    ///
    /// # Errors
    ///
    /// Returns an error if there was none in that time, or if there will be none.
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        crate::might_sleep_at(Place::here());
        self.0.recv_timeout(timeout)
    }

    /// Returns an iterator that waits for each message.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Returns an iterator that ends when no message is there.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
