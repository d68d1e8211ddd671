//! Panics as data.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// What a panic of this thread says, while panics are expected, so that nothing is printed of them.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Returns what `work` returns. Nothing is printed if it panics.
///
/// A panic of the engine is data here: what was being changed must be thrown away.
///
/// # Errors
/// What the panic says, and where it happened.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let expected = SAID.with_borrow_mut(|said| {
                let said = said.as_mut()?;
                let payload = info.payload();
                let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
                *said = text.unwrap_or_default();
                if let Some(location) = info.location() {
                    let _infallible = write!(said, ", at {}:{}", location.file(), location.line());
                }
                Some(())
            });
            if expected.is_none() {
                others(info);
            }
        }));
    });
    let before = SAID.replace(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let said = SAID.replace(before);
    result.map_err(|_| said.unwrap_or_default())
}
