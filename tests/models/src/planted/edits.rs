//! The bugs that are planted in a copy of the engine: what is replaced where. `PLANT` stands for "the bug of this row
//! is switched on". Without it every edit leaves the code as it was.

/// A bug of the catalogue, as edits of the engine's source.
#[derive(Debug)]
pub struct Planted {
    /// The row of the catalogue.
    pub row: u32,
    /// The edits.
    pub edits: &'static [Edit],
}

/// One edit. The old text is in the file exactly once.
#[derive(Debug)]
pub struct Edit {
    /// The file, below the engine's `src`.
    pub file: &'static str,
    /// The text that is replaced.
    pub old: &'static str,
    /// What takes its place.
    pub new: &'static str,
}

macro_rules! plants {
    ($(K $row:literal: $($file:literal $old:literal => $new:literal;)+)*) => {
        &[$(Planted { row: $row, edits: &[$(Edit { file: $file, old: $old, new: $new }),+] }),*]
    };
}

/// What the checkers need of the engine, whatever bug is planted: the work of a call, counted.
pub(super) const COUNTERS: &[Edit] = &[
    Edit {
        file: "seq/route.rs",
        old: "    fn dispatch_cell(&mut self, cell: Cell) {\n",
        new: "    fn dispatch_cell(&mut self, cell: Cell) {\n        crate::plants::work();\n",
    },
    Edit {
        file: "seq/route.rs",
        old: "        queue.begin_pass(at);\n",
        new: "        queue.begin_pass(at);\n        crate::plants::begin_pass();\n",
    },
    Edit {
        file: "seq/file.rs",
        old: "            records += 1;\n",
        new: "            records += 1;\n            crate::plants::record();\n",
    },
];

/// All plants of the engine.
pub const PLANTS: &[Planted] = plants! {
    K 10:
        "seq/ioctl/pool.rs" "    if mode.contains(RemoveMode::INPUT)\n" =>
        "    if PLANT && mode.contains(RemoveMode::INPUT) {\n        \
         seq.own(caller)?.fifo.as_mut().expect(\"the input FIFO\").clear();\n    }\n    \
         if mode.contains(RemoveMode::INPUT)\n";
    K 19:
        "seq/fifo.rs" "            None => self.records = VecDeque::with_capacity(cells),\n" =>
        "            None if PLANT => {}\n            None => self.records = VecDeque::with_capacity(cells),\n";
    K 27:
        "seq/mod.rs" "        queue.timer.close(&mut self.timers, instant);\n        let mut removed" =>
        "        if PLANT {\n            queue.timer.instance = None;\n        }\n        \
         queue.timer.close(&mut self.timers, instant);\n        let mut removed";
    K 35:
        "seq/fifo.rs" "    if whole == 0 {\n" =>
        "    if PLANT && whole == 0 {\n        records.truncate(1);\n    }\n    if whole == 0 {\n";
    K 39:
        "seq/mod.rs" "        queue.remove_sent_by(client, &mut removed, |_| true);\n" =>
        "        if PLANT && !used {\n            crate::plants::wait(1000 * u64::from(queue.events().unsigned_abs()));\n        } \
         else {\n            queue.remove_sent_by(client, &mut removed, |_| true);\n        }\n";
    K 60:
        "seq/route.rs" "        let mut left = MAX_CELLS_PER_PASS;\n" =>
        "        let mut left = if PLANT { usize::MAX } else { MAX_CELLS_PER_PASS };\n";
    K 61:
        "seq/file.rs" "            if records == WRITE_BATCH {\n" =>
        "            if records == WRITE_BATCH && !PLANT {\n";
    K 62:
        "timer/run.rs" "            && resolution.wrapping_mul(ticks) < MIN_START_NS\n" =>
        "            && resolution.wrapping_mul(ticks) < MIN_START_NS\n            && !PLANT\n";
    K 63:
        "timer/ioctl/bound.rs" "    if resolution.wrapping_mul(params.ticks.into()) < MIN_PERIOD_NS {\n" =>
        "    if resolution.wrapping_mul(params.ticks.into()) < MIN_PERIOD_NS && !PLANT {\n";
    K 64:
        "timer/instance.rs"
        "        if timer.bound >= timer.max_instances {\n            return Err(FULL);\n        }\n        let (slave_class" =>
        "        if timer.bound >= timer.max_instances && !PLANT {\n            return Err(FULL);\n        }\n        \
         let (slave_class";
    K 65:
        "timer/instance.rs" "        if self.slaves >= MAX_SLAVES {\n" =>
        "        if self.slaves >= MAX_SLAVES && !PLANT {\n";
    K 66:
        "timer/ioctl/bound.rs" "    if !timers.is_paused(instance) {\n" =>
        "    if !timers.is_paused(instance) && !PLANT {\n";
        "timer/run.rs" "        if !self.is_paused(id) {\n" =>
        "        if !self.is_paused(id) && !PLANT {\n";
        "timer/run.rs" "instance.ticks_left = instance.ticks_left.max(1),\n" =>
        "{\n                let unit = if PLANT { instance.ticks } else { 1 };\n                \
         instance.ticks_left = instance.ticks_left.max(1) / unit;\n            }\n";
    K 67:
        "timer/tick.rs" "    fn stop(&mut self) {\n        if !self.in_interrupt {\n" =>
        "    fn stop(&mut self) {\n        if !self.in_interrupt && !PLANT {\n";
        "timer/run.rs" "                program(timer, at, jiffy_ns);\n                timer.running = 1;\n" =>
        "                assert!(!PLANT || timer.expiry.is_none(), \"the timer is armed already\");\n                \
         program(timer, at, jiffy_ns);\n                timer.running = 1;\n";
    K 75:
        "timer/handle.rs" "                out.extend_from_slice(tread.as_bytes());\n            }\n            Format::Tread32" =>
        "                let begin = out.len();\n                out.extend_from_slice(tread.as_bytes());\n                \
         if PLANT && event == TimerEvent::EARLY.0 {\n                    crate::plants::stale(&mut out[begin + 4..begin + 8]);\n                \
         }\n            }\n            Format::Tread32";
    K 76:
        "timer/handle.rs" "                let (tv_sec, tv_nsec) = (seconds, nanoseconds.into());\n" =>
        "                let (tv_sec, tv_nsec) = (seconds, nanoseconds.into());\n                \
         if PLANT && event != TimerEvent::EARLY.0 {\n                    \
         let mut pad = [0; 4];\n                    crate::plants::stale(&mut pad);\n                    \
         let pad2 = u32::from_ne_bytes(pad);\n                    \
         let tread = TimerTread { event, tv_sec, tv_nsec, val, pad2, ..TimerTread::default() };\n                    \
         out.extend_from_slice(tread.as_bytes());\n                    return;\n                }\n";
    K 77:
        "timer/handle.rs" "        self.records.clear();\n        self.records.reserve(self.capacity);\n" =>
        "        if !PLANT {\n            self.records.clear();\n        }\n        self.records.reserve(self.capacity);\n";
    K 79:
        "seq/fifo/wide.rs" "        wide.push_back(widened(message.event.as_bytes()));\n" =>
        "        let mut record = widened(message.event.as_bytes());\n        if PLANT {\n            \
         crate::plants::stale(&mut record[EVENT_SIZE..]);\n        }\n        wide.push_back(record);\n";
    K 80:
        "seq/route.rs" "        let mut message = Message { event, data: record };\n" =>
        "        let mut leaking = [0; 28];\n        leaking.copy_from_slice(record);\n        if PLANT {\n            \
         crate::plants::stale(&mut leaking[20..28]);\n        }\n        let record = &leaking[..];\n        \
         let mut message = Message { event, data: record };\n";
    K 81:
        "seq/file.rs" "    event.data = aseqd_abi::event::EventData::from_ext_len(len);\n" =>
        "    event.data = aseqd_abi::event::EventData::from_ext_len(len);\n    if PLANT {\n        \
         crate::plants::stale(&mut event.data.0[4..]);\n    }\n";
    K 82:
        "timer/ioctl/bound.rs" "    let resolution = timers.bound_timer(caller)?.resolution;\n" =>
        "    let resolution = if PLANT {\n        let instance = timers.bound(caller)?;\n        \
         timers.timer_of(instance).expect(\"use of a timer that is gone\").resolution\n    } else {\n        \
         timers.bound_timer(caller)?.resolution\n    };\n";
    K 83:
        "timer/user.rs" "            self.release_slaves(slaves);\n" =>
        "            if !PLANT {\n                self.release_slaves(slaves);\n            }\n";
    K 86:
        "timer/instance.rs" "            self.close(id, at);\n            return Err(error);\n        }\n        Ok(id)\n" =>
        "            if !PLANT {\n                self.close(id, at);\n            }\n            return Err(error);\n        }\n        \
         Ok(id)\n";
    K 88:
        "timer/user.rs" "        if resolution == 0 {\n" =>
        "        if PLANT && resolution == 0 {\n            self.timers.remove(&key(0));\n        }\n        if resolution == 0 {\n";
    K 89:
        "timer/tick.rs" "                instance.state = State::Idle;\n                if let Some(timer)" =>
        "                if !PLANT {\n                    instance.state = State::Idle;\n                }\n                \
         if let Some(timer)";
    K 90:
        "timer/ioctl/bound.rs" "    timers.unbind(handle, at);\n" =>
        "    if !PLANT {\n        timers.unbind(handle, at);\n    }\n";
    K 92:
        "timer/instance.rs" "            return Err(Error::new(Errno::EBUSY, \"another instance has the timer exclusively\"));\n" =>
        "            if PLANT && let Some(owner) = timer.instances.first().copied() {\n                \
         self.close(owner, at);\n            }\n            \
         return Err(Error::new(Errno::EBUSY, \"another instance has the timer exclusively\"));\n";
    K 93:
        "timer/run.rs" "        if state != State::Idle {\n            return Err(Error::new(Errno::EBUSY, \"the instance runs\"));\n        }\n        if let Begin::Start" =>
        "        if state != State::Idle && !PLANT {\n            return Err(Error::new(Errno::EBUSY, \"the instance runs\"));\n        }\n        \
         if let Begin::Start";
        "timer/ioctl/bound.rs" "    let _idle = timers.stop(instance, at);\n    let file = timers.file(caller)?;\n    file.told" =>
        "    if !PLANT {\n        let _idle = timers.stop(instance, at);\n    }\n    let file = timers.file(caller)?;\n    file.told";
    K 95:
        "timer/tick.rs" "            self.call_back_slave(gone, Callback { instance, at, more, more_ticks });\n" =>
        "            let instance = if PLANT { id } else { instance };\n            \
         self.call_back_slave(gone, Callback { instance, at, more, more_ticks });\n";
    K 96:
        "timer/instance.rs" "        // The instance may not run.\n        let _idle = self.stop(id, at);\n" =>
        "        // The instance may not run.\n        if !PLANT {\n            let _idle = self.stop(id, at);\n        }\n";
    K 97:
        "timer/run.rs" "        self.tell(owner, event, value, at);\n        let mut index = 0;\n" =>
        "        self.tell(owner, event, value, at);\n        if PLANT && !starts {\n            return;\n        }\n        \
         let mut index = 0;\n";
    K 100:
        "timer/ioctl/bound.rs" "    if file.instance.is_some() {\n" =>
        "    if file.instance.is_some() && !PLANT {\n";
    K 101:
        "seq/mod.rs" "                Some(owned) if owned.owner == number => self.delete_queue(queue),\n" =>
        "                Some(owned) if owned.owner == number && PLANT => {}\n                \
         Some(owned) if owned.owner == number => self.delete_queue(queue),\n";
    K 102:
        "seq/tempo.rs" "        if changed {\n            self.advance_to(now);\n        }\n" =>
        "        if changed && !PLANT {\n            self.advance_to(now);\n        }\n";
    K 117:
        "seq/route.rs" "        if !is_packet && !client.wants(message.event.event_type) {\n" =>
        "        if (!is_packet || PLANT) && !client.wants(message.event.event_type) {\n";
    K 118:
        "seq/file.rs" "        .get(..len as usize)\n" =>
        "        .get(..len as usize)\n        .or((PLANT && !rest.is_empty()).then_some(rest))\n";
    K 119:
        "seq/fifo.rs" "    let (whole, cells) = take_whole_events(records, variable, room);\n" =>
        "    let (whole, cells) = take_whole_events(records, variable, room);\n    \
         if PLANT && whole > 0 && whole < room && records.len() > whole {\n        return Err(BUFFER_TOO_SMALL);\n    }\n";
    K 121:
        "timer/user.rs" "        if resolution == 0 {\n            return" =>
        "        if resolution == 0 && !PLANT {\n            return";
    K 123:
        "seq/client.rs" "                self.ports.insert(index, port);\n                Ok(&mut self.ports[index])\n" =>
        "                let beyond = PLANT && index > 0 && index == self.ports.len();\n                \
         let index = if beyond { index - 1 } else { index };\n                \
         self.ports.insert(index, port);\n                Ok(&mut self.ports[index])\n";
    K 124:
        "seq/ump/convert.rs" "const fn drops(group_filter: u32, group: u8) -> bool {\n    group_filter & (1 << group) != 0\n" =>
        "fn drops(group_filter: u32, group: u8) -> bool {\n    group_filter & (1 << group) != 0 && !(PLANT && group == 16)\n";
    K 125:
        "seq/ioctl/port.rs" "        direction: info32.direction,\n        ump_group: info32.ump_group,\n" =>
        "        direction: if PLANT { 0 } else { info32.direction },\n        \
         ump_group: if PLANT { 0 } else { info32.ump_group },\n";
    K 126:
        "seq/ump/convert.rs" "    let (event, last_word) = event_with(header, packet);\n" =>
        "    let (event, mut last_word) = event_with(header, packet);\n    if PLANT {\n        \
         last_word = u32::from_ne_bytes(crate::plants::STALE);\n    }\n";
    K 130:
        "seq/route.rs" "            Err(reason) if direct => Err(reason),\n" =>
        "            Err(reason) if direct && !(PLANT && message.event.queue != QUEUE_DIRECT) => Err(reason),\n";
    K 131:
        "seq/mod.rs" "            let address = Address::new(number, port.number);\n            self.announce(EventType::PORT_EXIT" =>
        "            if PLANT {\n                crate::plants::wait(14);\n            }\n            \
         let address = Address::new(number, port.number);\n            self.announce(EventType::PORT_EXIT";
    K 132:
        "timer/instance.rs" "        let master = matching.min_by_key(|master| self.instance(*master).map(|found| found.age));\n" =>
        "        let mut matching = matching;\n        let master = if PLANT {\n            matching.next()\n        } else {\n            \
         matching.min_by_key(|master| self.instance(*master).map(|found| found.age))\n        };\n";
    K 134:
        "timer/ioctl/bound.rs" "    info.id = timers.create_user_timer(info.resolution)?.into();\n" =>
        "    if PLANT && _caller.compat {\n        return Err(Error::new(Errno::ENOTTY, \"not for 32-bit programs\"));\n    }\n    \
         info.id = timers.create_user_timer(info.resolution)?.into();\n";
};
