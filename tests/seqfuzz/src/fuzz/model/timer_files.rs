//! Files of the timer device in the model: requests, reading and polling.

use super::record::{get, get_i, length, low32, put, put_i};
use super::timers::{
    CLASS_GLOBAL, CLASS_SLAVE, HIGH_RESOLUTION, Id, Key, Owner, PAUSE, SCLASS_APPLICATION, START,
    SYSTEM,
};
use super::world::{Done, World};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{timers as t, timers_old as old, timers32 as narrow};
use std::collections::VecDeque;

const VERSION: u32 = 0x02_00_08;
/// Bits of a filter that are events.
const EVENTS: u32 = 0x6_f1bf;
/// Parameters' flags.
const AUTO: u32 = 1;
const EXCLUSIVE: u32 = 2;
const EARLY: u32 = 4;
/// Numbers of user-driven timers.
const MOST_USER_TIMERS: i32 = 128;
const EVENT_TICK: u32 = 1;
const EVENT_EARLY: u32 = 6;

/// The form of a file's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Wide,
    Narrow,
}

/// A record: event (or resolution), value (or ticks), and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told(u32, u32, u64);

/// A file of the timer device.
#[derive(Debug)]
pub(super) struct TimerFile {
    /// The thread in whose name it binds.
    pub(super) thread: i32,
    /// Whether its calls sleep.
    pub(super) blocks: bool,
    instance: Option<usize>,
    form: Form,
    size: usize,
    waiting: VecDeque<Told>,
    ticks: u64,
    filter: u32,
    overrun: u32,
    stamp: u64,
    /// The resolution that was told last.
    last: u64,
}

impl TimerFile {
    pub(super) fn new(process: i32) -> Self {
        Self {
            thread: process,
            blocks: false,
            instance: None,
            form: Form::Plain,
            size: 128,
            waiting: VecDeque::new(),
            ticks: 1,
            filter: 0,
            overrun: 0,
            stamp: 0,
            last: 0,
        }
    }

    fn push(&mut self, told: Told) {
        if self.waiting.len() >= self.size {
            self.overrun = self.overrun.wrapping_add(1);
        } else {
            self.waiting.push_back(told);
        }
    }

    fn take_ticks(&mut self, resolution: u64, ticks: u64, now: u64) {
        let ticks = low32(ticks);
        if self.form == Form::Plain {
            match self.waiting.back_mut() {
                Some(Told(same, all, _)) if u64::from(*same) == resolution => {
                    *all = all.wrapping_add(ticks)
                }
                _ => self.push(Told(low32(resolution), ticks, 0)),
            }
            return;
        }
        if self.filter & 3 == 0 {
            return;
        }
        if self.filter & 1 != 0 && self.last != resolution {
            self.last = resolution;
            self.push(Told(0, low32(resolution), now));
        }
        if self.filter & 2 == 0 || ticks == 0 {
            return;
        }
        match self.waiting.back_mut() {
            Some(Told(EVENT_TICK, all, at)) => (*all, *at) = (all.wrapping_add(ticks), now),
            _ => self.push(Told(EVENT_TICK, ticks, now)),
        }
    }
}

fn put_long(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn get_long(bytes: &[u8], at: usize) -> u64 {
    u64::from(get(bytes, at)) | u64::from(get(bytes, at + 4)) << 32
}

fn put_text(bytes: &mut [u8], at: usize, text: &str) {
    bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
}

fn id_at(arg: &[u8], at: usize) -> Id {
    [0, 4, 8, 12, 16].map(|part| get_i(arg, at + part))
}

fn split(time: u64) -> (u64, u64) {
    (time / 1_000_000_000, time % 1_000_000_000)
}

fn names(key: Key) -> (String, &'static str) {
    match key.0 {
        SYSTEM => ("system".into(), "system timer"),
        HIGH_RESOLUTION => ("hrtimer".into(), "HR timer"),
        _ => (format!("snd-utimer{}", key.1), ""),
    }
}

impl World {
    /// Gives the callback of an instance to its file.
    pub(super) fn file_ticks(&mut self, file: usize, resolution: u64, ticks: u64) {
        let now = self.now;
        if let Some(file) = self.timer_files.get_mut(&file) {
            file.take_ticks(resolution, ticks, now);
        }
    }

    /// Gives files the events of their instances.
    pub(super) fn tell_files(&mut self) {
        let now = self.now;
        for (file, event, value) in std::mem::take(&mut self.timers.told) {
            let Some(file) = self.timer_files.get_mut(&file) else { continue };
            if (START..=PAUSE).contains(&event) {
                file.stamp = now;
            }
            if file.form != Form::Plain && file.filter & 1 << event != 0 {
                file.push(Told(event, low32(value), now));
            }
        }
    }

    /// Closes a file of the timer device.
    pub(super) fn close_timer_file(&mut self, file: usize) {
        let now = self.now;
        if let Some(instance) =
            self.timer_files.get_mut(&file).and_then(|file| file.instance.take())
        {
            self.timers.close(instance, now);
            self.tell_files();
        }
        self.timer_files.remove(&file);
    }

    /// Makes a user-driven timer. Returns its number.
    pub(super) fn create_user_timer(&mut self, arg: &mut [u8]) -> Result<i32, Errno> {
        let number = self.new_user_timer(get_long(arg, 0))?;
        put_i(arg, 12, number);
        Ok(number)
    }

    /// Makes a file that of a user-driven timer. Returns the timer's number.
    pub(super) fn become_user_timer(&mut self, file: usize, resolution: u64) -> Result<i32, Errno> {
        let number = self.new_user_timer(resolution)?;
        self.close_timer_file(file);
        Ok(number)
    }

    fn new_user_timer(&mut self, resolution: u64) -> Result<i32, Errno> {
        if !self.ump {
            return Err(Errno::ENOTTY);
        }
        if resolution == 0 {
            return Err(Errno::EINVAL);
        }
        let free = |number: &i32| !self.user_timers.contains(number);
        let number = (0..MOST_USER_TIMERS).find(free).ok_or(Errno::ENOSPC)?;
        self.user_timers.insert(number);
        self.timers.add_user_timer(number, resolution);
        Ok(number)
    }

    pub(super) fn close_user_timer(&mut self, number: i32) {
        self.user_timers.remove(&number);
        self.timers.remove_user_timer(number, self.now);
        self.tell_files();
    }

    /// Makes a request on the file of a user-driven timer.
    pub(super) fn user_timer_request(&mut self, number: i32, code: u32) -> Done {
        if code != t::TRIGGER {
            return Err(Errno::ENOTTY);
        }
        self.timers.interrupt((super::timers::USER_DRIVEN, number), self.now);
        self.call_back();
        Ok(())
    }

    /// Makes a request on a file of the timer device.
    pub(super) fn timer_request(
        &mut self,
        file: usize,
        code: u32,
        compat: bool,
        arg: &mut Vec<u8>,
    ) -> Done {
        let mut copy = arg.clone();
        let done = self.timer_request_on(file, code, compat, &mut copy);
        self.tell_files();
        done?;
        *arg = copy;
        Ok(())
    }

    fn timer_request_on(&mut self, file: usize, code: u32, compat: bool, arg: &mut [u8]) -> Done {
        if compat != matches!(code, narrow::GPARAMS | narrow::INFO)
            && matches!(
                code,
                narrow::GPARAMS | narrow::INFO | t::GPARAMS | t::INFO | t::STATUS | old::STATUS
            )
        {
            return Err(Errno::ENOTTY);
        }
        match code {
            t::PVERSION => put(arg, 0, VERSION),
            t::NEXT_DEVICE => self.next_device(arg),
            t::TREAD_OLD => {
                let form = if compat { Form::Narrow } else { Form::Wide };
                return self.set_form(file, get(arg, 0), form);
            }
            t::TREAD64 => return self.set_form(file, get(arg, 0), Form::Wide),
            t::GINFO => return self.ginfo(arg),
            t::GPARAMS | narrow::GPARAMS => {
                let (key, _) = self.timers.timer(id_at(arg, 0)).ok_or(Errno::ENODEV)?;
                let bound = self.timers.clients(key) > 0;
                return Err(if bound { Errno::EBUSY } else { Errno::ENOSYS });
            }
            t::GSTATUS => {
                let (_, timer) = self.timers.timer(id_at(arg, 0)).ok_or(Errno::ENODEV)?;
                let resolution = timer.resolution;
                arg[20..].fill(0);
                put_long(arg, 24, resolution);
                put_long(arg, 32, resolution);
                put_long(arg, 40, 1_000_000_000);
            }
            t::SELECT => return self.select(file, id_at(arg, 0)),
            t::INFO | narrow::INFO => return self.info(file, code == narrow::INFO, arg),
            t::PARAMS => return self.params(file, arg),
            t::STATUS => return self.status(file, false, arg),
            old::STATUS => return self.status(file, true, arg),
            t::START | old::START => return self.start_file(file),
            t::STOP | old::STOP => return self.end_file(file, false),
            t::PAUSE | old::PAUSE => return self.end_file(file, true),
            t::CONTINUE | old::CONTINUE => {
                let instance = self.bound(file)?;
                if !self.timers.instances[&instance].paused {
                    return self.start_file(file);
                }
                return self.timers.begin(instance, None, self.now);
            }
            _ => return Err(Errno::ENOTTY),
        }
        Ok(())
    }

    pub(super) fn file(&mut self, file: usize) -> &mut TimerFile {
        self.timer_files.get_mut(&file).expect("a file that is open")
    }

    fn bound(&mut self, file: usize) -> Result<usize, Errno> {
        self.file(file).instance.ok_or(Errno::EBADFD)
    }

    /// Returns the instance of a file, and the timer that it or its master is bound to.
    fn on_timer(&mut self, file: usize) -> Result<(usize, Key), Errno> {
        let instance = self.bound(file)?;
        let key = self.timers.instances[&instance].timer.ok_or(Errno::EBADFD)?;
        Ok((instance, key))
    }

    fn next_device(&self, arg: &mut [u8]) {
        let id = id_at(arg, 0);
        let mut all = self.timers.timers.keys();
        let next = match id[0] {
            i32::MIN..=-1 => all.next(),
            CLASS_GLOBAL => {
                let from = if id[3] < 0 { 0 } else { id[3].wrapping_add(1) };
                all.find(|key| key.0 >= from)
            }
            _ => None,
        };
        let told = next.map_or([-1, 0, -1, -1, -1], |key| [CLASS_GLOBAL, 0, -1, key.0, key.1]);
        for (index, part) in told.into_iter().enumerate() {
            put_i(arg, 4 * index, part);
        }
    }

    fn set_form(&mut self, file: usize, on: u32, form: Form) -> Done {
        let file = self.file(file);
        if file.instance.is_some() {
            return Err(Errno::EBUSY);
        }
        let form = if on == 0 { Form::Plain } else { form };
        if form != file.form {
            file.form = form;
            file.waiting.clear();
        }
        Ok(())
    }

    fn ginfo(&self, arg: &mut [u8]) -> Done {
        let (key, timer) = self.timers.timer(id_at(arg, 0)).ok_or(Errno::ENODEV)?;
        arg[20..].fill(0);
        put_i(arg, 24, -1);
        let (id, name) = names(key);
        put_text(arg, 28, &id);
        put_text(arg, 92, name);
        put_long(arg, 184, timer.resolution);
        put(arg, 208, length(self.timers.clients(key)));
        Ok(())
    }

    fn select(&mut self, file: usize, mut id: Id) -> Done {
        let now = self.now;
        if let Some(instance) = self.file(file).instance.take() {
            self.timers.close(instance, now);
        }
        if id[0] != CLASS_SLAVE {
            id[1] = SCLASS_APPLICATION;
        }
        let thread = self.file(file).thread;
        let instance = self.timers.open(id, Owner::File(file), thread, false, now)?;
        self.file(file).instance = Some(instance);
        Ok(())
    }

    fn info(&mut self, file: usize, narrow: bool, arg: &mut [u8]) -> Done {
        let (_, key) = self.on_timer(file)?;
        let resolution = self.timers.timers[&key].resolution;
        arg.fill(0);
        put_i(arg, 4, -1);
        let (id, name) = names(key);
        put_text(arg, 8, &id);
        put_text(arg, 72, name);
        if narrow {
            put(arg, 156, low32(resolution));
        } else {
            put_long(arg, 160, resolution);
        }
        Ok(())
    }

    fn params(&mut self, file: usize, arg: &[u8]) -> Done {
        let now = self.now;
        let (instance, key) = self.on_timer(file)?;
        let (flags, ticks, size, filter) = (get(arg, 0), get(arg, 4), get(arg, 8), get(arg, 16));
        let resolution = self.timers.timers[&key].resolution;
        if ticks < 1 || resolution.wrapping_mul(ticks.into()) < 1_000_000 {
            return Err(Errno::EINVAL);
        }
        if size > 0 && !(32..=1024).contains(&size) || filter & !EVENTS != 0 {
            return Err(Errno::EINVAL);
        }
        let _was_idle = self.timers.stop(instance, now);
        self.tell_files();
        let bound = self.timers.instances.get_mut(&instance).expect("a bound instance");
        (bound.auto, bound.exclusive) = (flags & AUTO != 0, flags & EXCLUSIVE != 0);
        let file = self.file(file);
        if size > 0 {
            file.size = usize::try_from(size).unwrap_or(0);
        }
        file.waiting.clear();
        if flags & EARLY != 0 {
            let event = if file.form == Form::Plain { 0 } else { EVENT_EARLY };
            file.push(Told(event, 0, 0));
        }
        (file.filter, file.ticks) = (filter, ticks.into());
        Ok(())
    }

    fn status(&mut self, file: usize, narrow: bool, arg: &mut [u8]) -> Done {
        let instance = self.bound(file)?;
        let resolution = low32(self.timers.resolution_of(instance).unwrap_or(0));
        let file = self.file(file);
        arg.fill(0);
        let (sec, nsec) = split(file.stamp);
        let at = if narrow {
            put(arg, 0, low32(sec));
            put(arg, 4, low32(nsec));
            8
        } else {
            put_long(arg, 0, sec);
            put_long(arg, 8, nsec);
            16
        };
        put(arg, at, resolution);
        put(arg, at + 8, file.overrun);
        put(arg, at + 12, length(file.waiting.len()));
        Ok(())
    }

    fn start_file(&mut self, file: usize) -> Done {
        let now = self.now;
        let instance = self.bound(file)?;
        let _was_idle = self.timers.stop(instance, now);
        self.tell_files();
        let file = self.file(file);
        file.last = 0;
        let ticks = file.ticks;
        self.timers.start(instance, ticks, now)
    }

    fn end_file(&mut self, file: usize, pause: bool) -> Done {
        let now = self.now;
        let instance = self.bound(file)?;
        if pause { self.timers.pause(instance, now) } else { self.timers.stop(instance, now) }
    }

    /// Reads whole records of a timer file.
    pub(super) fn read_timer(&mut self, file: usize, len: usize) -> Result<Vec<u8>, Errno> {
        let file = self.file(file);
        let unit = match file.form {
            Form::Plain => 8,
            Form::Wide => 32,
            Form::Narrow => 16,
        };
        if len < unit {
            return Ok(Vec::new());
        }
        if file.waiting.is_empty() {
            return Err(if file.blocks { Errno::EINTR } else { Errno::EAGAIN });
        }
        let mut all = Vec::new();
        while len - all.len() >= unit
            && let Some(Told(event, value, time)) = file.waiting.pop_front()
        {
            let mut record = vec![0; unit];
            let (sec, nsec) = split(time);
            put(&mut record, 0, event);
            match file.form {
                Form::Plain => put(&mut record, 4, value),
                Form::Wide => {
                    put_long(&mut record, 8, sec);
                    put_long(&mut record, 16, nsec);
                    put(&mut record, 24, value);
                }
                Form::Narrow => {
                    put(&mut record, 4, low32(sec));
                    put(&mut record, 8, low32(nsec));
                    put(&mut record, 12, value);
                }
            }
            all.extend(record);
        }
        Ok(all)
    }

    pub(super) fn poll_timer(&mut self, file: usize) -> i64 {
        i64::from(!self.file(file).waiting.is_empty())
    }
}
