//! The file: open, read, poll, and what it cannot do.

use crate::case::cases;
use crate::client::{Mode, PATIENCE};
use crate::sys::{self, Edge, errno};
use crate::timer_client::{HRTIMER, LONG, MS, NONE, SYSTEM, Timer, now};
use aseqd_abi::Errno;
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E};
use rustix::event::PollFlags;
use rustix::fs::{OFlags, SeekFrom, fcntl_setfl, seek};
use std::time::Duration;

const READ_POLL: PollFlags = PollFlags::IN.union(PollFlags::RDNORM);

/// Returns a file with this many records that wait.
fn with_records(count: u32) -> Timer {
    let timer = Timer::once(LONG);
    for _ in 0..count {
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.stop(), Ok(()));
    }
    timer
}

cases! {
    /// Nothing to read is EAGAIN, with a binding and without.
    fn timer_nothing_is_eagain() {
        for timer in [Timer::open(), Timer::plain(SYSTEM), Timer::tread(SYSTEM)] {
            for len in [32, 33, 4096] {
                assert_eq!(timer.read_len(len), Err(Errno::EAGAIN));
            }
        }
    }

    /// A buffer of less than a record reads 0 bytes, record or not.
    fn timer_short_buffer_reads_nothing() {
        let plain = Timer::plain(HRTIMER);
        assert_eq!(plain.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        let treads = [Timer::tread(HRTIMER), with_records(1)];
        for len in [1, 7] {
            assert_eq!(Timer::open().read_len(len), Ok(0));
            assert_eq!(plain.read_len(len), Ok(0));
        }
        for timer in treads {
            for len in [1, 8, 16, 31] {
                assert_eq!(timer.read_len(len), Ok(0));
            }
        }
        assert_eq!(plain.read_len(8), Ok(8));
    }

    /// A read of less than a record does not sleep.
    fn timer_short_buffer_does_not_sleep() {
        assert_eq!(Timer::open_blocking().read_len(7), Ok(0));
    }

    /// As many whole records as fit are read, in order.
    fn timer_whole_records_that_fit() {
        let timer = with_records(4);
        for (len, expected) in [(32, 32), (63, 32), (95, 64), (1000, 128)] {
            assert_eq!(timer.read_len(len), Ok(expected));
        }
        assert_eq!(timer.read_len(32), Err(Errno::EAGAIN));
    }

    /// A read sleeps until there is a record, and takes what is there.
    fn timer_read_sleeps() {
        let timer = Timer::open_blocking();
        assert_eq!(timer.select(HRTIMER), Ok(()));
        assert_eq!(timer.set(ParamsFlags::empty(), 20 * MS, 0), Ok(()));
        let begin = now();
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.read_len(1000), Ok(8));
        assert!(now() - begin >= Duration::from_millis(20));
    }

    /// A read on an unbound file sleeps, while requests go through.
    fn timer_read_sleeps_without_binding() {
        let timer = Timer::open_blocking();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| timer.read_len(1000));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!reader.is_finished());
            assert_eq!(timer.next(NONE), SYSTEM);
            assert_eq!(timer.select(HRTIMER), Ok(()));
            assert_eq!(timer.set(ParamsFlags::empty(), MS, 0), Ok(()));
            assert_eq!(timer.start(), Ok(()));
            assert_eq!(reader.join().unwrap(), Ok(8));
        });
    }

    /// Whether a read sleeps is asked at each read.
    fn timer_nonblock_can_be_changed() {
        let timer = Timer::open_blocking();
        fcntl_setfl(&timer, OFlags::NONBLOCK).unwrap();
        assert_eq!(timer.read_len(8), Err(Errno::EAGAIN));
        fcntl_setfl(&timer, OFlags::empty()).unwrap();
        assert_eq!(timer.select(SYSTEM), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.read_len(8), Ok(8));
    }

    /// With nothing to read, poll says nothing, bound or not.
    fn timer_poll_says_nothing() {
        for timer in [Timer::open(), Timer::plain(SYSTEM), Timer::tread(SYSTEM)] {
            assert_eq!(timer.poll(), PollFlags::empty());
        }
    }

    /// With a record it says that it can be read, and never that it can be written.
    fn timer_poll_says_in() {
        let timer = with_records(1);
        assert_eq!(timer.poll(), READ_POLL);
        assert_eq!(timer.read_len(32), Ok(32));
        assert_eq!(timer.poll(), READ_POLL);
        assert_eq!(timer.read_len(32), Ok(32));
        assert_eq!(timer.poll(), PollFlags::empty());
    }

    /// poll sleeps until there is a record.
    fn timer_poll_sleeps() {
        let timer = Timer::once(20 * MS);
        let begin = now();
        assert_eq!(timer.start(), Ok(()));
        timer.discard();
        assert!(timer.poll_events(PollFlags::IN, PATIENCE).contains(PollFlags::IN));
        assert!(now() - begin >= Duration::from_millis(20));
    }

    /// poll wakes for a START by another thread.
    fn timer_poll_wakes_for_orders() {
        let timer = Timer::once(LONG);
        std::thread::scope(|scope| {
            let poller = scope.spawn(|| timer.poll_events(PollFlags::IN, PATIENCE));
            std::thread::sleep(Duration::from_millis(10));
            assert_eq!(timer.start(), Ok(()));
            assert_eq!(poller.join().unwrap(), PollFlags::IN);
        });
        assert_eq!(timer.events(), [E::START]);
    }

    /// Records that were read by one descriptor are gone for the other of the same file.
    fn timer_duplicates_share_the_records() {
        let timer = with_records(1);
        let other = Timer { fd: rustix::io::dup(&timer.fd).unwrap() };
        assert_eq!((timer.read_len(32), other.read_len(100)), (Ok(32), Ok(32)));
        assert!(!timer.readable());
    }

    /// Nothing can be written: EINVAL, or EBADF where it was opened to read.
    fn timer_cannot_be_written() {
        let write = |mode, bytes: &[u8]| {
            rustix::io::write(Timer::open_as(mode), bytes).map_err(errno)
        };
        for len in [1, 8, 32] {
            assert_eq!(write(Mode::ReadWrite, &vec![0; len]), Err(Errno::EINVAL));
            assert_eq!(write(Mode::Write, &vec![0; len]), Err(Errno::EINVAL));
            assert_eq!(write(Mode::Read, &vec![0; len]), Err(Errno::EBADF));
        }
    }

    /// Requests work in every access mode.
    fn timer_requests_work_in_every_mode() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let timer = Timer::open_as(mode);
            assert_eq!(timer.next(NONE), SYSTEM);
            assert_eq!(timer.select(HRTIMER), Ok(()));
            assert_eq!(timer.set(ParamsFlags::AUTO, LONG, 0), Ok(()));
            assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        }
    }

    /// A file that was opened to write cannot be read: EBADF.
    fn timer_opened_to_write_cannot_be_read() {
        assert_eq!(Timer::open_as(Mode::Write).read_len(8), Err(Errno::EBADF));
    }

    /// A file that was opened to read is read.
    fn timer_opened_to_read_is_read() {
        let timer = Timer::open_as(Mode::Read);
        assert_eq!(timer.select(HRTIMER), Ok(()));
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        assert_eq!(timer.read_len(100), Ok(8));
    }

    /// The timer device cannot be sought: ESPIPE.
    fn timer_has_no_positions() {
        let timer = Timer::open();
        assert_eq!(seek(&timer, SeekFrom::Start(0)).map_err(errno), Err(Errno::ESPIPE));
        let read = rustix::io::pread(&timer, &mut [0_u8; 32], 0);
        assert_eq!(read.map_err(errno), Err(Errno::ESPIPE));
        let written = rustix::io::pwrite(&timer, &[0_u8; 32], 0);
        assert_eq!(written.map_err(errno), Err(Errno::ESPIPE));
    }

    /// The timer device cannot be mapped: ENODEV.
    fn timer_cannot_be_mapped() {
        assert_eq!(sys::map(Timer::open()), Err(Errno::ENODEV));
    }

    /// A buffer that cannot be written is EFAULT, and the record is lost.
    fn timer_record_into_no_memory_is_lost() {
        let timer = with_records(1);
        let edge = Edge::new();
        assert_eq!(edge.read(&timer, 0, 32), Err(Errno::EFAULT));
        assert_eq!(timer.events(), [E::STOP]);
    }

    /// If memory ends within a read's buffer, the records that fit are read, and the next one is lost.
    fn timer_edge_in_the_middle_loses_a_record() {
        let timer = with_records(2);
        let edge = Edge::new();
        assert_eq!(edge.read(&timer, 32, 32), Ok(32));
        assert_eq!(timer.events(), [E::START, E::STOP]);
    }
}
