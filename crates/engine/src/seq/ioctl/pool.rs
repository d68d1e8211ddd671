//! Requests about memory pools, and about removing events.

use super::client::find;
use crate::Error;
use crate::limits::{MAX_CELLS, MAX_QUEUES};
use crate::seq::Seq;
use crate::seq::prioq::Removed;
use crate::seq::queue::remove_matches;
use aseqd_abi::Errno;
use aseqd_abi::seq::{ClientPool, RemoveEvents, RemoveMode};

fn cells(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Returns the count that a program asks for, if it is in range.
fn wanted(count: i32, max: usize) -> Option<usize> {
    usize::try_from(count).ok().filter(|count| (1..=max).contains(count))
}

pub(super) fn get_client_pool(
    seq: &mut Seq,
    _caller: u8,
    info: &mut ClientPool,
) -> Result<(), Error> {
    let client = find(seq, info.client).ok_or(Error::new(Errno::ENOENT, "no such client"))?;
    *info = ClientPool { client: client.number.into(), ..ClientPool::default() };
    if !client.is_user() {
        return Ok(());
    }
    info.output_pool = cells(client.pool.size);
    info.output_room = cells(client.pool.room);
    info.output_free = cells(client.pool.free());
    if let Some(fifo) = &client.fifo {
        info.input_pool = cells(fifo.pool.size);
        info.input_free = cells(fifo.pool.free());
    }
    Ok(())
}

pub(super) fn set_client_pool(
    seq: &mut Seq,
    caller: u8,
    info: &mut ClientPool,
) -> Result<(), Error> {
    if info.client != i32::from(caller) {
        return Err(Error::new(Errno::EINVAL, "another client's pool"));
    }
    let client = seq.own(caller)?;
    if let Some(size) = wanted(info.output_pool, MAX_CELLS)
        && (client.pool.total == 0 || client.pool.size != size)
    {
        if client.pool.used > 0 {
            return Err(Error::new(Errno::EBUSY, "events are in the output pool"));
        }
        client.pool.resize(size);
    }
    if let Some(fifo) = &mut client.fifo
        && let Some(size) = wanted(info.input_pool, MAX_CELLS)
        && size != fifo.pool.size
    {
        fifo.resize(size);
    }
    if let Some(room) = wanted(info.output_room, client.pool.size) {
        client.pool.room = room;
    }
    seq.mark_ready(caller);
    get_client_pool(seq, caller, info)
}

pub(super) fn remove_events(
    seq: &mut Seq,
    caller: u8,
    info: &mut RemoveEvents,
) -> Result<(), Error> {
    let mode = RemoveMode::from_bits_retain(info.remove_mode);
    if mode.contains(RemoveMode::INPUT)
        && let Some(fifo) = &mut seq.own(caller)?.fifo
    {
        fifo.clear();
    }
    if !mode.contains(RemoveMode::OUTPUT) {
        return Ok(());
    }
    let mut removed = Removed::default();
    for number in 0..MAX_QUEUES {
        if mode.contains(RemoveMode::DEST) && number != info.queue {
            continue;
        }
        let Some(queue) = seq.queue_mut(number.into()) else { continue };
        if queue.used_by(caller) {
            queue.remove_sent_by(caller, &mut removed, |event| remove_matches(info, event));
        }
    }
    seq.give_back(&removed);
    Ok(())
}
