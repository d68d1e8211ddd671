//! Requests about queues: existence, owner, position, tempo, timer, users.

use crate::Error;
use crate::name::{copy_name, name, name_bytes, write_name};
use crate::seq::Seq;
use crate::seq::queue::Queue;
use crate::seq::tempo::SKEW_BASE;
use crate::timer::Timers;
use alloc::format;
use aseqd_abi::Errno;
use aseqd_abi::seq::{
    QueueClient, QueueInfo, QueueStatus, QueueTempo, QueueTimer, RealTime, TIMER_ALSA,
    VERSION_1_0_4,
};

/// The lock is one bit of its byte.
const LOCKED: u8 = 1;

fn find(seq: &Seq, number: i32) -> Result<&Queue, Error> {
    seq.queue(number).ok_or(Error::new(Errno::EINVAL, "no such queue"))
}

/// Returns a queue if the caller may control it.
fn controllable(seq: &mut Seq, caller: u8, number: i32) -> Result<&mut Queue, Error> {
    controllable_with_timers(seq, caller, number).map(|(queue, _)| queue)
}

/// Returns a queue if the caller may control it, and what it needs to change its timer.
fn controllable_with_timers(
    seq: &mut Seq,
    caller: u8,
    number: i32,
) -> Result<(&mut Queue, &mut Timers), Error> {
    seq.queue_and_timers(number)
        .filter(|(queue, _)| queue.controllable_by(caller))
        .ok_or(Error::new(Errno::EPERM, "no such queue, or it is locked by another client"))
}

pub(super) fn create_queue(seq: &mut Seq, caller: u8, info: &mut QueueInfo) -> Result<(), Error> {
    let locked = info.locked & LOCKED != 0;
    let queue = seq.create_queue(caller, locked, |number| {
        if info.name[0] == 0 { name(&format!("Queue-{number}")) } else { copy_name(&info.name) }
    })?;
    info.queue = queue.number.into();
    info.owner = queue.owner.into();
    if info.name[0] == 0 {
        write_name(&queue.name, &mut info.name);
    }
    Ok(())
}

pub(super) fn delete_queue(seq: &mut Seq, caller: u8, info: &mut QueueInfo) -> Result<(), Error> {
    let queue = find(seq, info.queue)?;
    if queue.owner != caller {
        return Err(Error::new(Errno::EINVAL, "another client's queue"));
    }
    let number = queue.number;
    seq.delete_queue(number);
    Ok(())
}

pub(super) fn get_queue_info(
    seq: &mut Seq,
    _caller: u8,
    info: &mut QueueInfo,
) -> Result<(), Error> {
    let queue = find(seq, info.queue)?;
    *info = QueueInfo {
        queue: queue.number.into(),
        owner: queue.owner.into(),
        locked: u8::from(queue.locked),
        name: queue.name,
        ..QueueInfo::default()
    };
    Ok(())
}

pub(super) fn set_queue_info(seq: &mut Seq, caller: u8, info: &mut QueueInfo) -> Result<(), Error> {
    if info.owner != i32::from(caller) {
        return Err(Error::new(Errno::EINVAL, "a client can give a queue only to itself"));
    }
    let now = seq.now();
    let (queue, timers) = controllable_with_timers(seq, caller, info.queue)?;
    queue.owner = caller;
    queue.locked = info.locked & LOCKED != 0;
    if queue.locked {
        queue.set_used(timers, now, caller, true);
    }
    queue.name = copy_name(&info.name);
    Ok(())
}

pub(super) fn get_named_queue(
    seq: &mut Seq,
    _caller: u8,
    info: &mut QueueInfo,
) -> Result<(), Error> {
    let queue = seq.queues().find(|queue| name_bytes(&queue.name) == name_bytes(&info.name));
    let queue = queue.ok_or(Error::new(Errno::EINVAL, "no queue of that name"))?;
    info.queue = queue.number.into();
    info.owner = queue.owner.into();
    info.locked = (info.locked & !LOCKED) | u8::from(queue.locked);
    Ok(())
}

pub(super) fn get_queue_status(
    seq: &mut Seq,
    _caller: u8,
    status: &mut QueueStatus,
) -> Result<(), Error> {
    let queue = find(seq, status.queue)?;
    let position = queue.timer.reported(seq.now());
    let time = position.real_time();
    *status = QueueStatus {
        queue: queue.number.into(),
        events: queue.events(),
        tick: position.tick,
        time: RealTime { tv_sec: time.tick_or_sec, tv_nsec: time.nsec },
        running: i32::from(queue.timer.running),
        ..QueueStatus::default()
    };
    Ok(())
}

pub(super) fn get_queue_tempo(
    seq: &mut Seq,
    caller: u8,
    tempo: &mut QueueTempo,
) -> Result<(), Error> {
    let knows_base = seq.own(caller)?.speaks(VERSION_1_0_4);
    let queue = find(seq, tempo.queue)?;
    *tempo = QueueTempo {
        queue: queue.number.into(),
        tempo: queue.timer.tempo,
        ppq: queue.timer.ppq.cast_signed(),
        skew_value: queue.timer.skew,
        skew_base: SKEW_BASE,
        tempo_base: if knows_base { queue.timer.tempo_base } else { 0 },
        reserved: [0; 22],
    };
    Ok(())
}

pub(super) fn set_queue_tempo(
    seq: &mut Seq,
    caller: u8,
    tempo: &mut QueueTempo,
) -> Result<(), Error> {
    let now = seq.now();
    let knows_base = seq.own(caller)?.speaks(VERSION_1_0_4);
    let base = if knows_base { tempo.tempo_base } else { 0 };
    let timer = &mut controllable(seq, caller, tempo.queue)?.timer;
    timer.set_tempo_ppq(now, tempo.tempo, tempo.ppq, base)?;
    // As on Linux, a bad skew fails with tempo and ppq applied.
    if tempo.skew_base > 0 {
        timer.set_skew(now, tempo.skew_value, tempo.skew_base)?;
    }
    Ok(())
}

pub(super) fn get_queue_timer(
    seq: &mut Seq,
    _caller: u8,
    info: &mut QueueTimer,
) -> Result<(), Error> {
    let queue = find(seq, info.queue)?;
    *info = QueueTimer {
        queue: queue.number.into(),
        timer_type: TIMER_ALSA,
        id: queue.timer.id,
        resolution: queue.timer.frequency,
        reserved: [0; 64],
    };
    Ok(())
}

pub(super) fn set_queue_timer(
    seq: &mut Seq,
    caller: u8,
    info: &mut QueueTimer,
) -> Result<(), Error> {
    if info.timer_type != TIMER_ALSA {
        return Err(Error::new(Errno::EINVAL, "no such kind of queue timer"));
    }
    let now = seq.now();
    let (queue, timers) = controllable_with_timers(seq, caller, info.queue)?;
    let timer = &mut queue.timer;
    timer.close(timers, now);
    timer.choose(info.id, info.resolution);
    timer.open_or_default(timers, now)
}

pub(super) fn get_queue_client(
    seq: &mut Seq,
    caller: u8,
    info: &mut QueueClient,
) -> Result<(), Error> {
    let queue = find(seq, info.queue)?;
    info.used = i32::from(queue.used_by(caller));
    info.client = caller.into();
    Ok(())
}

pub(super) fn set_queue_client(
    seq: &mut Seq,
    caller: u8,
    info: &mut QueueClient,
) -> Result<(), Error> {
    if info.used >= 0 {
        let now = seq.now();
        let queue = seq.queue_and_timers(info.queue);
        let (queue, timers) = queue.ok_or(Error::new(Errno::EINVAL, "no such queue"))?;
        queue.set_used(timers, now, caller, info.used != 0);
    }
    get_queue_client(seq, caller, info)
}
