//! The calls that are checked, and which of them wait.

#![expect(unsafe_code, reason = "reads what arguments point to")]

use crate::exports::{around, before};
use crate::next::{Arguments, Verdict, int};
use crate::realtime;

/// Reads a value that an argument points to. Returns `None` for a null pointer.
fn value<T: Copy>(pointer: usize) -> Option<T> {
    // SAFETY: the function that is called reads the same memory, as its manual says.
    (pointer != 0)
        .then(|| unsafe { std::ptr::with_exposed_provenance::<T>(pointer).read_unaligned() })
}

fn blocks(_: &mut Arguments) -> Verdict {
    Verdict::Blocks
}

fn waits(_: &mut Arguments) -> Verdict {
    Verdict::Waits
}

fn sleeps(_: &mut Arguments) -> Verdict {
    Verdict::Sleeps
}

/// Returns what a call does that waits at most for a time in ms.
fn waits_for_ms(timeout: usize) -> Verdict {
    if int(timeout) == 0 { Verdict::Passes } else { Verdict::Waits }
}

/// Returns what a call does that waits at most for the time at an address: two words, of which the first are seconds.
fn waits_for_time(timeout: usize) -> Verdict {
    if value::<[usize; 2]>(timeout) == Some([0, 0]) { Verdict::Passes } else { Verdict::Waits }
}

/// Returns what a call on a descriptor does that gives or takes bytes.
fn transfers(descriptor: usize, or_else: Verdict) -> Verdict {
    if !crate::waits::matters() {
        return Verdict::Passes;
    }
    lockdep::raw::unchecked(|| {
        // SAFETY: the call has no memory to read or write.
        let flags = unsafe { libc::fcntl(int(descriptor), libc::F_GETFL) };
        let mut about = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: the memory is as large as the call asks for.
        let is_known = unsafe { libc::fstat(int(descriptor), about.as_mut_ptr()) } == 0;
        // SAFETY: the call has written it.
        let mode = if is_known { unsafe { about.assume_init() }.st_mode } else { 0 };
        match mode & libc::S_IFMT {
            // A disk is waited for, whatever the flags are.
            libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK => Verdict::Blocks,
            // An event counter takes 2^64 - 2 events before it blocks.
            0 if is_known && or_else == Verdict::Blocks => Verdict::Passes,
            _ if flags >= 0 && flags & libc::O_NONBLOCK != 0 => Verdict::Passes,
            _ => or_else,
        }
    })
}

/// The same for a call on a socket, with its flags.
fn transfers_message(descriptor: usize, flags: usize, or_else: Verdict) -> Verdict {
    if int(flags) & libc::MSG_DONTWAIT != 0 {
        return Verdict::Passes;
    }
    transfers(descriptor, or_else)
}

/// Returns what a system call does. Libraries make those calls that the C library has no function for.
fn system_call(call: &mut Arguments) -> Verdict {
    const FUTEX_WAITS: [usize; 4] = [0, 6, 9, 11];
    const WITHOUT_FLAGS: usize = 0x7f;
    match libc::c_long::try_from(call.first).unwrap_or(-1) {
        libc::SYS_futex if FUTEX_WAITS.contains(&(call.third & WITHOUT_FLAGS)) => {
            // Work is waited for between two sections, and a lock is not.
            let is_lock = crate::waits::matters() && crate::std_locks::is_lock(call.caller);
            if is_lock { Verdict::Blocks } else { Verdict::Waits }
        }
        libc::SYS_futex => Verdict::Passes,
        libc::SYS_futex_waitv => Verdict::Waits,
        libc::SYS_sched_setscheduler => {
            realtime::asks_thread(call.second, int(call.third));
            Verdict::Passes
        }
        libc::SYS_sched_setattr => {
            if let Some([_, policy]) = value::<[u32; 2]>(call.third) {
                realtime::asks_thread(call.second, policy.cast_signed());
            }
            Verdict::Passes
        }
        libc::SYS_read | libc::SYS_readv => transfers(call.second, Verdict::Waits),
        libc::SYS_write | libc::SYS_writev => transfers(call.second, Verdict::Blocks),
        libc::SYS_gettid
        | libc::SYS_getpid
        | libc::SYS_clock_gettime
        | libc::SYS_getcpu
        | libc::SYS_membarrier
        | libc::SYS_sched_getscheduler
        | libc::SYS_tgkill => Verdict::Passes,
        _ => Verdict::Blocks,
    }
}

around! { |call| waits_for_ms(call.third); poll __poll_chk }
around! { |call| waits_for_time(call.third); ppoll __ppoll_chk }
around! { |call| waits_for_ms(call.fourth); epoll_wait epoll_pwait }
around! { |call| waits_for_time(call.fourth); epoll_pwait2 }
around! { |call| waits_for_time(call.fifth); select pselect }
around! {
    waits;
    sigwait sigwaitinfo sigtimedwait pause sigsuspend mq_receive mq_timedreceive msgrcv accept accept4
    snd_pcm_wait jack_cycle_wait sem_wait sem_timedwait sem_clockwait
}
around! { sleeps; nanosleep usleep sleep thrd_sleep }
around! {
    |call| if int(call.second) & libc::TIMER_ABSTIME != 0 { Verdict::Waits } else { Verdict::Sleeps };
    clock_nanosleep
}
around! { |call| transfers(call.first, Verdict::Waits); read readv __read_chk }
around! { |call| transfers_message(call.first, call.fourth, Verdict::Waits); recv recvfrom __recv_chk }
around! { |call| transfers_message(call.first, call.third, Verdict::Waits); recvmsg }
around! { system_call; syscall }

before! { |call| transfers(call.first, Verdict::Blocks); write writev }
before! { |call| transfers_message(call.first, call.fourth, Verdict::Blocks); send sendto recvmmsg sendmmsg }
before! { |call| transfers_message(call.first, call.third, Verdict::Blocks); sendmsg }
before! {
    |call| if [libc::F_SETLKW, libc::F_OFD_SETLKW].contains(&int(call.second)) {
        Verdict::Blocks
    } else {
        Verdict::Passes
    };
    fcntl fcntl64
}
before! {
    blocks;
    pread pread64 preadv pwrite pwrite64 pwritev sendfile sendfile64 splice copy_file_range
    open open64 openat openat64 creat __open_2 __open64_2 __openat_2 close
    opendir readdir readdir64 closedir stat stat64 lstat lstat64 fstat fstat64 fstatat fstatat64 statx
    access faccessat unlink unlinkat rename renameat mkdir rmdir link symlink readlink chmod chown
    truncate ftruncate fallocate posix_fallocate flock lockf fsync fdatasync sync syncfs msync
    mmap mmap64 munmap mremap mprotect madvise mlock munlock mlockall munlockall shm_open shm_unlink
    ioctl socket bind listen connect shutdown getaddrinfo gethostbyname pipe pipe2
    pthread_join pthread_timedjoin_np pthread_clockjoin_np pthread_barrier_wait thrd_create thrd_join
    posix_spawn posix_spawnp system popen pclose execve execv execvp wait waitpid wait4 waitid semop
    semtimedop msgsnd mq_send mq_timedsend dlmopen dlclose localtime localtime_r mktime
}
before! {
    |call| {
        crate::defects::forks(lockdep::Place::Address(call.caller));
        Verdict::Blocks
    };
    fork
}
before! {
    |call| {
        crate::waits::is_last(call.caller);
        Verdict::Passes
    };
    pthread_exit
}
macro_rules! stdio {
    ($($name:ident)*) => { $(
        before! {
            |_| {
                crate::handlers::check(stringify!($name));
                Verdict::Blocks
            };
            $name
        }
    )* };
}
stdio! {
    fopen fopen64 fdopen freopen fclose fflush fread fwrite fputs puts fputc putc putchar fgets fgetc getc
    getline getdelim printf fprintf vprintf vfprintf dprintf vdprintf __printf_chk __fprintf_chk
    __vprintf_chk __vfprintf_chk __dprintf_chk perror scanf fscanf fseek fseeko ftell rewind syslog vsyslog
    __syslog_chk
}
