//! Sets the runtime up before `main`, and adjusts it at a fork and at the end.

#![expect(unsafe_code, reason = "maps the shared table and hooks into the program's life")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::sync::atomic::Ordering;

use crate::layout::MAGIC;
use crate::reason::reason;
use crate::runtime::heat;
use crate::runtime::options::{self, NAMES};
use crate::runtime::output::{self, say};
use crate::runtime::print;
use crate::runtime::region;
use crate::runtime::suppress;
use crate::runtime::table::{self, Count, TABLES, Table};
use crate::runtime::thread::{Place, current, keep_errno};
use crate::runtime::{api, process, symbols};

/// Makes the set-up one of the first constructors of the program.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static SET_UP: extern "C" fn() = set_up;

extern "C" fn set_up() {
    let thread = current();
    let place = thread.place.replace(Place::Runtime);
    keep_errno(|| {
        process::renew_pid();
        output::keep();
        // SAFETY: takes a number, and looks into what the kernel has handed to this process.
        let secure = unsafe { libc::getauxval(libc::AT_SECURE) != 0 };
        // If the program has more rights than its caller, its environment is another user's.
        let text = std::env::var("KCSAN_OPTIONS").ok().filter(|_| !secure).unwrap_or_default();
        if let Err(why) = options::read(&text) {
            say(&format!("KCSAN_OPTIONS: {why}"));
        }
        let names = NAMES.get();
        if let Some(path) = names.and_then(|names| names.suppressions.as_deref())
            && let Err(why) = suppress::read(path)
        {
            say(&why);
        }
        let shared = names.and_then(|names| names.shared.as_deref());
        if let Err(error) = share(shared) {
            let path = shared.unwrap_or_default();
            say(&format!("shared: {path}: {}", reason(&error)));
        }
        process::count_processors();
        table::count(Count::Processes);
        symbols::remember_folder();
        api::connect();
        // SAFETY: the functions take nothing and stay.
        unsafe { libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child)) };
        // SAFETY: the function takes nothing and stays.
        unsafe { libc::atexit(at_exit) };
    });
    process::set_ready();
    thread.place.set(place);
}

/// Maps the shared table: a file, or memory that children inherit.
fn share(path: Option<&str>) -> std::io::Result<()> {
    let length = size_of::<Table>();
    let file = match path {
        None => None,
        Some(path) => {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.custom_flags(libc::O_NOFOLLOW).open(path)?;
            // SAFETY: takes nothing.
            let me = unsafe { libc::geteuid() };
            let owner = file.metadata()?.uid();
            if owner != me && owner != 0 {
                // A user who can write to the file could end this program by making the file shorter.
                return Err(std::io::Error::other(format!("it belongs to user {owner}")));
            }
            if file.metadata()?.len() == 0 {
                file.set_len(length as u64)?;
            }
            if file.metadata()?.len() != length as u64 {
                return Err(std::io::Error::other("it is not a table of this version"));
            }
            Some(file)
        }
    };
    let (flags, descriptor) = match &file {
        Some(file) => (0, file.as_raw_fd()),
        None => (libc::MAP_ANONYMOUS, -1),
    };
    let table = (&raw const TABLES.shared).cast_mut();
    // SAFETY: the new memory takes the place of a static of the same length, which is made of atomics
    // and all zero, as a new file is.
    let mapped = unsafe {
        libc::mmap(
            table.cast(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_FIXED | flags,
            descriptor,
            0,
        )
    };
    if mapped == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    let magic = &TABLES.shared.magic;
    match magic.compare_exchange(0, MAGIC, Ordering::AcqRel, Ordering::Acquire) {
        Err(found) if found != MAGIC => {
            Err(std::io::Error::other("the file is not a table of this version"))
        }
        _ => Ok(()),
    }
}

unsafe extern "C" fn before_fork() {
    // The child must not get the runtime's memory in the middle of a change. If a signal handler forks while
    // its thread prints, the thread has the lock already.
    if current().place.get() != Place::Runtime {
        print::lock();
    }
}

unsafe extern "C" fn in_parent() {
    if current().place.get() != Place::Runtime {
        print::unlock();
    }
}

unsafe extern "C" fn in_child() {
    process::renew_pid();
    let thread = current();
    thread.forget();
    // The watchers are threads of the parent.
    TABLES.private.clear();
    for count in &TABLES.private.counts {
        count.store(0, Ordering::Relaxed);
    }
    region::forget();
    heat::only_thread();
    output::after_fork();
    table::count(Count::Processes);
    if thread.place.get() != Place::Runtime {
        print::unlock();
    }
}

extern "C" fn at_exit() {
    // Functions of the C library, and functions of the program that they call, may still make accesses.
    let thread = current();
    let place = thread.place.replace(Place::Runtime);
    let reports = table::counted(Count::Reports);
    let watchpoints = table::counted(Count::Watchpoints);
    // A program without threads that share memory has nothing to tell, unless it is asked.
    let has_run = watchpoints > 0 || heat::has_threads();
    if options::stats().unwrap_or(has_run) {
        let hits = table::counted(Count::Hits);
        let pid = process::pid();
        output::write_to_sink(&format!(
            "kcsan: {watchpoints} watchpoints set, {hits} hits, {reports} reports by process {pid}\n"
        ));
    }
    let code = options::EXIT_CODE.load(Ordering::Relaxed);
    if reports > 0 && code != 0 {
        // SAFETY: what the program has printed comes out first.
        unsafe { libc::fflush(std::ptr::null_mut()) };
        // SAFETY: there is nothing to promise.
        unsafe { libc::_exit(code) };
    }
    thread.place.set(place);
}
