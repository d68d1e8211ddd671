//! Interrupts off and on. In a program, interrupts are off while a thread keeps callbacks out.

use std::marker::PhantomData;

use crate::check::irq_state;
use crate::words::Place;

/// The irq state that [`irqsave`] found. Restore it once, and in the opposite order of saving.
#[must_use = "interrupts stay off until the flags are restored"]
#[derive(Debug)]
pub struct IrqFlags {
    /// `None` if the validators were off or busy. Then restoring does nothing either.
    saved: Option<Saved>,
    /// The state is the thread's.
    thread: PhantomData<*const ()>,
}

#[derive(Clone, Copy, Debug)]
struct Saved {
    was_on: bool,
    depth: u32,
}

/// Turns interrupts off and returns the state before.
#[track_caller]
#[inline]
pub fn irqsave() -> IrqFlags {
    IrqFlags::save(Place::here())
}

/// Turns interrupts off, whatever the state was.
#[track_caller]
#[inline]
pub fn local_irq_disable() {
    let place = Place::here();
    irq_state::with(|thread| irq_state::disable(thread, place));
}

/// Turns interrupts on, whatever the state was.
#[track_caller]
#[inline]
pub fn local_irq_enable() {
    enable_at(Place::here());
}

#[inline]
pub(crate) fn disable_at(place: Place) {
    irq_state::with(|thread| irq_state::disable(thread, place));
}

#[inline]
pub(crate) fn enable_at(place: Place) {
    irq_state::with(|thread| irq_state::enable(thread, place));
}

impl IrqFlags {
    #[inline]
    pub(crate) fn save(place: Place) -> Self {
        let saved = irq_state::with(|thread| {
            let was_on = thread.irqs_on();
            irq_state::disable(thread, place);
            let depth = thread.irq_tokens.get() + 1;
            thread.irq_tokens.set(depth);
            Saved { was_on, depth }
        });
        Self { saved, thread: PhantomData }
    }

    /// Restores the state.
    #[track_caller]
    #[inline]
    pub fn restore(mut self) {
        self.restore_in_place(Place::here());
    }

    #[inline]
    pub(crate) fn restore_in_place(&mut self, place: Place) {
        let Some(saved) = self.saved.take() else { return };
        irq_state::with(|thread| {
            if thread.irqs_on() {
                irq_state::restored_while_on(thread);
            }
            if thread.irq_tokens.get() != saved.depth {
                irq_state::restored_out_of_order(thread);
            }
            thread.irq_tokens.set(thread.irq_tokens.get().saturating_sub(1));
            if saved.was_on {
                irq_state::enable(thread, place);
            } else {
                irq_state::disable(thread, place);
            }
        });
    }
}

impl Drop for IrqFlags {
    fn drop(&mut self) {
        if self.saved.take().is_none() {
            return;
        }
        irq_state::with(|thread| {
            irq_state::never_restored(thread);
            thread.irq_tokens.set(thread.irq_tokens.get().saturating_sub(1));
        });
    }
}
