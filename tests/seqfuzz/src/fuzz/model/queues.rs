//! Queues of the model: requests about them, and how their timers move them.

use super::clients::TEMPO_BASE_FROM;
use super::queue::{Queue, REAL_TIMES, SECOND, SKEW_BASE, real_time};
use super::record::{
    NOTEOFF, Place, Record, get, get_i, length, low8, name_of, put, put_i, put_name,
};
use super::timers::{CLASS_SLAVE, Id, SCLASS_SEQUENCER};
use super::world::{Done, World};
use aseqd_abi::Errno;

/// How many queues there are at most.
const QUEUES: u8 = 32;
/// Conditions of REMOVE_EVENTS.
const INPUT: u32 = 1;
const OUTPUT: u32 = 1 << 1;
const DEST: u32 = 1 << 2;
const CHANNEL: u32 = 1 << 3;
const BEFORE: u32 = 1 << 4;
const AFTER: u32 = 1 << 5;
const IN_TICKS: u32 = 1 << 6;
const TYPE: u32 = 1 << 7;
const IGNORE_OFF: u32 = 1 << 8;
const TAG: u32 = 1 << 9;

impl World {
    pub(super) fn queue_of(&self, number: i32) -> Option<u8> {
        u8::try_from(number).ok().filter(|number| self.queues.contains_key(number))
    }

    /// Returns a queue that a client may control.
    pub(super) fn controlled(&mut self, number: i32, caller: u8) -> Option<&mut Queue> {
        let queue = self.queues.get_mut(&u8::try_from(number).ok()?)?;
        (queue.owner == caller || !queue.locked).then_some(queue)
    }

    pub(super) fn create_queue(&mut self, caller: u8, arg: &mut [u8]) -> Done {
        let number = (0..QUEUES).find(|number| !self.queues.contains_key(number));
        let number = number.ok_or(Errno::ENOMEM)?;
        let name = if arg[9] == 0 {
            name_of(format!("Queue-{number}").as_bytes())
        } else {
            name_of(&arg[9..73])
        };
        let queue = Queue::new(caller, arg[8] & 1 != 0, name);
        self.queues.insert(number, queue);
        // The timer is opened before the queue has its number.
        self.use_queue(number, caller, true);
        self.queues.get_mut(&number).expect("just made").shown = number.into();
        put(arg, 0, number.into());
        put(arg, 4, caller.into());
        if arg[9] == 0 {
            put_name(&mut arg[9..73], &name);
        }
        Ok(())
    }

    /// Marks a client as a user of a queue, or no longer.
    pub(super) fn use_queue(&mut self, number: u8, client: u8, uses: bool) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        if uses {
            queue.users.insert(client);
        } else {
            queue.users.remove(&client);
        }
        if queue.users.is_empty() {
            self.close_timer(number);
            return;
        }
        if uses && queue.users.len() == 1 {
            queue.reset_settings(now);
        }
        // A queue without a timer is one that does not run.
        let _none_perhaps = self.open_timer(number);
    }

    /// Removes a queue with all that waits in it.
    pub(super) fn drop_queue(&mut self, number: u8) {
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.retain(|_| false);
            self.stop_queue(number);
            self.close_timer(number);
        }
        self.queues.remove(&number);
    }

    pub(super) fn delete_queue(&mut self, caller: u8, arg: &[u8]) -> Done {
        let number = self.queue_of(get_i(arg, 0)).ok_or(Errno::EINVAL)?;
        if self.queues[&number].owner != caller {
            return Err(Errno::EINVAL);
        }
        self.drop_queue(number);
        Ok(())
    }

    fn tell_queue(&self, number: u8, arg: &mut [u8]) {
        let queue = &self.queues[&number];
        put(arg, 0, number.into());
        put(arg, 4, queue.owner.into());
        arg[8] = u8::from(queue.locked) | arg[8] & !1;
    }

    pub(super) fn queue_info(&self, arg: &mut [u8]) -> Done {
        let number = self.queue_of(get_i(arg, 0)).ok_or(Errno::EINVAL)?;
        arg.fill(0);
        self.tell_queue(number, arg);
        put_name(&mut arg[9..73], &self.queues[&number].name);
        Ok(())
    }

    pub(super) fn set_queue_info(&mut self, caller: u8, arg: &[u8]) -> Done {
        if get_i(arg, 4) != i32::from(caller) {
            return Err(Errno::EINVAL);
        }
        let queue = self.controlled(get_i(arg, 0), caller).ok_or(Errno::EPERM)?;
        queue.owner = caller;
        queue.locked = arg[8] & 1 != 0;
        queue.name = name_of(&arg[9..73]);
        if queue.locked {
            self.use_queue(low8(get(arg, 0)), caller, true);
        }
        Ok(())
    }

    pub(super) fn named_queue(&self, arg: &mut [u8]) -> Done {
        let end = |name: &[u8]| name.iter().position(|byte| *byte == 0).unwrap_or(64).min(64);
        let wanted = &arg[9..73];
        let same = |queue: &Queue| wanted[..end(wanted)] == queue.name[..end(&queue.name)];
        let number = *self.queues.iter().find(|(_, queue)| same(queue)).ok_or(Errno::EINVAL)?.0;
        self.tell_queue(number, arg);
        Ok(())
    }

    pub(super) fn queue_status(&self, arg: &mut [u8]) -> Done {
        let number = self.queue_of(get_i(arg, 0)).ok_or(Errno::EINVAL)?;
        let queue = &self.queues[&number];
        arg.fill(0);
        put(arg, 0, number.into());
        put(arg, 4, length(queue.events().count()));
        let shown = queue.shown(self.now);
        put(arg, 8, shown.0);
        let (sec, nsec) = real_time(shown);
        put(arg, 12, sec);
        put(arg, 16, nsec);
        put(arg, 20, queue.running.into());
        Ok(())
    }

    pub(super) fn queue_tempo(&mut self, caller: u8, arg: &mut [u8]) -> Done {
        let number = self.queue_of(get_i(arg, 0)).ok_or(Errno::EINVAL)?;
        let knows = self.me(caller).user_version >= TEMPO_BASE_FROM;
        let queue = &self.queues[&number];
        arg.fill(0);
        let all = [
            (0, number.into()),
            (4, queue.tempo),
            (8, queue.ppq),
            (12, queue.skew),
            (16, SKEW_BASE),
        ];
        for (at, value) in all {
            put(arg, at, value);
        }
        if knows {
            arg[20..22].copy_from_slice(&queue.base.to_le_bytes()[..2]);
        }
        Ok(())
    }

    pub(super) fn set_queue_tempo(&mut self, caller: u8, arg: &[u8]) -> Done {
        let knows = self.me(caller).user_version >= TEMPO_BASE_FROM;
        let now = self.now;
        let queue = self.controlled(get_i(arg, 0), caller).ok_or(Errno::EPERM)?;
        let (tempo, ppq, skew_base) = (get_i(arg, 4), get_i(arg, 8), get(arg, 16));
        let base = if knows { u16::from_le_bytes([arg[20], arg[21]]) } else { 0 };
        if tempo <= 0 || ppq <= 0 || ![0, 10, 1000].contains(&base) {
            return Err(Errno::EINVAL);
        }
        let (tempo, ppq) = (tempo.cast_unsigned(), ppq.cast_unsigned());
        if queue.running && ppq != queue.ppq {
            return Err(Errno::EBUSY);
        }
        let changed = (tempo, ppq) != (queue.tempo, queue.ppq);
        if changed {
            queue.settle(now);
        }
        (queue.tempo, queue.ppq) = (tempo, ppq);
        queue.base = if base == 0 { 1000 } else { base.into() };
        if changed {
            queue.new_tick_length();
        }
        if skew_base > 0 {
            if skew_base != SKEW_BASE {
                return Err(Errno::EINVAL);
            }
            queue.settle(now);
            queue.skew = get(arg, 12);
        }
        Ok(())
    }

    pub(super) fn queue_timer(&self, arg: &mut [u8]) -> Done {
        let number = self.queue_of(get_i(arg, 0)).ok_or(Errno::EINVAL)?;
        let queue = &self.queues[&number];
        arg.fill(0);
        put(arg, 0, number.into());
        for (index, part) in queue.id.iter().enumerate() {
            put_i(arg, 8 + 4 * index, *part);
        }
        put(arg, 28, queue.frequency);
        Ok(())
    }

    pub(super) fn set_queue_timer(&mut self, caller: u8, arg: &[u8]) -> Done {
        if get_i(arg, 4) != 0 {
            return Err(Errno::EINVAL);
        }
        self.controlled(get_i(arg, 0), caller).ok_or(Errno::EPERM)?;
        let number = low8(get(arg, 0));
        self.close_timer(number);
        let queue = self.queues.get_mut(&number).expect("a queue under control");
        queue.id = [8, 12, 16, 20, 24].map(|at| get_i(arg, at));
        (queue.frequency, queue.chosen) = (get(arg, 28), true);
        self.open_timer(number)
    }

    pub(super) fn queue_client(&mut self, caller: u8, arg: &mut [u8], set: bool) -> Done {
        let number = self.queue_of(get_i(arg, 0)).ok_or(Errno::EINVAL)?;
        let used = get_i(arg, 8);
        if set && used >= 0 {
            self.use_queue(number, caller, used > 0);
        }
        arg.fill(0);
        put(arg, 0, number.into());
        put(arg, 4, caller.into());
        put(arg, 8, self.queues[&number].users.contains(&caller).into());
        Ok(())
    }

    /// Opens the timer of a queue. What cannot be opened is replaced by the system timer; if even that fails, by the
    /// default. The error is that of the last attempt.
    fn open_timer(&mut self, number: u8) -> Done {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return Ok(()) };
        if queue.instance.is_some() {
            return Ok(());
        }
        for last in [false, true] {
            if queue.id[0] != CLASS_SLAVE {
                queue.id[1] = SCLASS_SEQUENCER;
            }
            queue.stepped = queue.chosen || self.settings.quantise;
            let mut open =
                |id: Id| self.timers.open_queue(id, number, queue.shown, queue.stepped, now);
            let system = queue.id[0] == 1 && queue.id[3] == 0;
            let instance = open(queue.id);
            let opened = match instance {
                Err(_) if queue.id[0] != CLASS_SLAVE && !system => {
                    open([1, SCLASS_SEQUENCER, -1, 0, 0])
                }
                instance => instance,
            };
            queue.instance = opened.ok();
            if queue.instance.is_some() || last {
                return opened.map(|_| ());
            }
            queue.reset_settings(now);
        }
        Ok(())
    }

    fn close_timer(&mut self, number: u8) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        queue.settle(now);
        if let Some(instance) = queue.instance.take() {
            self.timers.close(instance, now);
        }
        queue.ticking = false;
        self.tell_files();
    }

    /// Programs the period of a queue's timer. Fails for a slave that has no master.
    fn program(&mut self, number: u8) -> Option<()> {
        let queue = self.queues.get_mut(&number)?;
        let resolution = self.timers.resolution_of(queue.instance?)?;
        let wanted = if queue.frequency == 0 { 1000 } else { queue.frequency };
        let frequency = u64::from(wanted.clamp(10, 6250));
        queue.period = (SECOND / resolution.saturating_mul(frequency).max(1)).max(1);
        queue.initialized = true;
        Some(())
    }

    fn go(&mut self, number: u8) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        let Some(instance) = queue.instance else { return };
        let _runs = self.timers.start(instance, queue.period, now);
        (queue.running, queue.ticking, queue.anchor) = (true, true, now);
        self.tell_files();
    }

    /// Starts a queue from 0. Returns whether it runs.
    pub(super) fn start_queue(&mut self, number: u8) -> bool {
        self.stop_queue_if_open(number);
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number).filter(|queue| queue.instance.is_some())
        else {
            return false;
        };
        queue.settle(now);
        queue.rewind();
        if self.program(number).is_none() {
            return false;
        }
        self.go(number);
        true
    }

    fn stop_queue_if_open(&mut self, number: u8) {
        if self.queues.get(&number).is_some_and(|queue| queue.instance.is_some()) {
            self.stop_queue(number);
        }
    }

    /// Lets a stopped queue go on. Returns whether it was stopped.
    pub(super) fn continue_queue(&mut self, number: u8) -> bool {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return false };
        if queue.instance.is_none() || queue.running {
            return false;
        }
        if !queue.initialized {
            queue.rewind();
            if self.program(number).is_none() {
                return false;
            }
        }
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.settle(now);
        }
        self.go(number);
        true
    }

    /// Stops a queue that has a timer.
    pub(super) fn stop_queue(&mut self, number: u8) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        let Some(instance) = queue.instance.filter(|_| queue.running) else { return };
        queue.settle(now);
        (queue.running, queue.ticking) = (false, false);
        let _was_idle = self.timers.pause(instance, now);
        self.tell_files();
    }

    /// Changes a queue's position.
    pub(super) fn set_tick(&mut self, number: u8, tick: u32) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        queue.settle(now);
        (queue.tick, queue.fraction) = (tick, 0);
    }

    pub(super) fn set_time(&mut self, number: u8, sec: u32, nsec: u32) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        queue.settle(now);
        queue.nanos = (u64::from(sec) * SECOND + u64::from(nsec)) % REAL_TIMES;
    }

    pub(super) fn set_tempo(&mut self, number: u8, tempo: i32) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number) else { return };
        if tempo > 0 && tempo.cast_unsigned() != queue.tempo {
            queue.settle(now);
            queue.tempo = tempo.cast_unsigned();
            queue.new_tick_length();
        }
    }

    /// Changes a queue's skew. Returns whether that was possible.
    pub(super) fn set_skew(&mut self, number: u8, skew: u32, base: u32) -> bool {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(&number).filter(|_| base == SKEW_BASE) else {
            return false;
        };
        queue.settle(now);
        queue.skew = skew;
        true
    }

    pub(super) fn remove_events(&mut self, caller: u8, arg: &[u8]) {
        let mode = get(arg, 0);
        if mode & INPUT != 0 {
            let client = self.me(caller);
            client.unread.clear();
            client.overflow = false;
        }
        if mode & OUTPUT == 0 {
            return;
        }
        let dest: Place = (arg[13], arg[14]);
        let goes = |event: &Record| {
            let time = if mode & IN_TICKS != 0 {
                (event.time(), 0) < (get(arg, 4), 0)
            } else {
                (event.time(), event.nsec()) < (get(arg, 4), get(arg, 8))
            };
            let channel = (5..20).contains(&event.kind()) && event.head[16] == arg[15];
            event.source().0 == caller
                && (mode & DEST == 0 || event.dest() == dest)
                && (mode & CHANNEL == 0 || channel)
                && (mode & BEFORE == 0 || time)
                && (mode & AFTER == 0 || !time)
                && (mode & TYPE == 0 || i32::from(event.kind()) == get_i(arg, 16))
                && (mode & IGNORE_OFF == 0 || event.kind() != NOTEOFF)
                && (mode & TAG == 0 || event.head[2] == arg[20])
        };
        for (number, queue) in &mut self.queues {
            if queue.users.contains(&caller) && (mode & DEST == 0 || *number == arg[12]) {
                queue.retain(|event| !goes(event));
            }
        }
    }
}
