//! How instances of timers are bound, linked and closed in the model.

use super::timers::{CLASS_SLAVE, Id, Instance, Owner, STOP, State, Timers};
use super::world::Done;
use aseqd_abi::Errno;

/// Maximum number of slaves.
const MOST_SLAVES: usize = 1000;

impl Timers {
    pub(super) fn open_queue(
        &mut self,
        id: Id,
        queue: u8,
        shown: i32,
        stepped: bool,
        now: u64,
    ) -> Result<usize, Errno> {
        let made = self.open(id, Owner::Queue(queue), shown, !stepped, now)?;
        self.instances.get_mut(&made).expect("just opened").auto = true;
        Ok(made)
    }

    pub(super) fn open(
        &mut self,
        id: Id,
        owner: Owner,
        number: i32,
        exact: bool,
        now: u64,
    ) -> Result<usize, Errno> {
        let slave = id[0] == CLASS_SLAVE;
        let mut instance = Instance {
            owner,
            slave,
            name: if slave { (id[1], id[3]) } else { (id[1], number) },
            timer: None,
            master: None,
            slaves: Vec::new(),
            active_slaves: Vec::new(),
            auto: false,
            exclusive: false,
            ticks: 0,
            left: 0,
            gone: 0,
            state: State::Idle,
            paused: false,
            exact: exact && !slave,
            grid: None,
            age: self.made,
        };
        let made = self.made;
        if slave {
            if !(1..=3).contains(&id[1]) {
                return Err(Errno::EINVAL);
            }
            if self.instances.values().filter(|other| other.slave).count() >= MOST_SLAVES {
                return Err(Errno::EBUSY);
            }
            self.made += 1;
            let master = self.instances.iter().filter(|(_, other)| {
                !other.slave && other.timer.is_some() && other.name == instance.name
            });
            let master = master.min_by_key(|(_, other)| other.age).map(|(id, _)| *id);
            self.instances.insert(made, instance);
            self.waiting.push(made);
            if let Some(master) = master
                && let Err(error) = self.link(master, made, now)
            {
                self.close(made, now);
                return Err(error);
            }
            return Ok(made);
        }
        let (key, timer) = self.timer(id).ok_or(Errno::ENODEV)?;
        let oldest = timer.bound.first().and_then(|oldest| self.instances.get(oldest));
        if oldest.is_some_and(|oldest| oldest.exclusive) || self.crowd(key) >= timer.most {
            return Err(Errno::EBUSY);
        }
        instance.timer = Some(key);
        self.made += 1;
        let name = instance.name;
        self.instances.insert(made, instance);
        self.timers.get_mut(&key).expect("found above").bound.push(made);
        for slave in self.waiting.clone() {
            if self.instances[&slave].name == name
                && let Err(error) = self.link(made, slave, now)
            {
                self.close(made, now);
                return Err(error);
            }
        }
        Ok(made)
    }

    fn link(&mut self, master: usize, slave: usize, now: u64) -> Done {
        let key = self.instances[&master].timer.ok_or(Errno::ENODEV)?;
        if self.crowd(key) >= self.timers[&key].most {
            return Err(Errno::EBUSY);
        }
        self.waiting.retain(|other| *other != slave);
        self.instances.get_mut(&master).expect("a master").slaves.push(slave);
        let instance = self.instances.get_mut(&slave).expect("a slave");
        (instance.master, instance.timer) = (Some(master), Some(key));
        if instance.state == State::Running {
            self.follow(master, slave, now);
        }
        Ok(())
    }

    /// Lets a slave hear its master's ticks.
    pub(super) fn follow(&mut self, master: usize, slave: usize, now: u64) {
        let Some(master) = self.instances.get_mut(&master) else { return };
        if master.active_slaves.is_empty()
            && let Some((next, period)) = &mut master.grid
        {
            while *next <= now {
                *next += *period;
            }
        }
        master.active_slaves.push(slave);
    }

    pub(super) fn release(&mut self, slaves: Vec<usize>) {
        for slave in slaves {
            if let Some(instance) = self.instances.get_mut(&slave) {
                (instance.master, instance.timer) = (None, None);
                self.waiting.push(slave);
            }
        }
    }

    pub(super) fn close(&mut self, id: usize, now: u64) {
        let Some(instance) = self.instances.get(&id) else { return };
        if let Some(timer) = instance.timer.and_then(|key| self.timers.get_mut(&key)) {
            timer.bound.retain(|other| *other != id);
        }
        let _idle = self.end(id, STOP, now);
        self.waiting.retain(|other| *other != id);
        let Some(instance) = self.instances.remove(&id) else { return };
        if let Some(master) = instance.master.and_then(|master| self.instances.get_mut(&master)) {
            master.slaves.retain(|other| *other != id);
            master.active_slaves.retain(|other| *other != id);
        }
        self.release(instance.slaves);
    }
}
