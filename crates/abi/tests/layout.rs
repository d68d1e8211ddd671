//! The crate against two witnesses: the numbers of Linux 6.12 written out below, and the installed
//! kernel headers, asked through a C compiler.
//!
//! The headers are asked by compiling, not by running: a table of constant expressions goes into an
//! object file between two marks and is read from there, so `-m32` works without 32-bit libraries.
//! What the headers are too old for is printed by name. Only what is marked with the version that
//! brought it may be missing; anything else that is missing is a failure, so that a slip in this
//! file cannot turn into a silent skip.

// Long because the numbers of three headers are written out in it.

use aseqd_abi::event::{Control, EventData, Note};
use aseqd_abi::{Address, Errno, EventFlags, EventType, control, event, ioctl, seq, timer, ump};
use bitflags::Flags;
use core::mem::offset_of;
use skip::skip;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// One number that the crate and the C headers must agree on.
struct Item {
    /// What it is, for people.
    what: String,
    /// A constant expression in C.
    c: String,
    /// The crate's number.
    ours: u64,
    /// The first Linux whose headers have it.
    since: Option<&'static str>,
    /// The C struct whose field it is about, if any.
    of: &'static str,
}

impl Item {
    fn new(c: impl Into<String>, ours: impl Into<i128>) -> Self {
        let c = c.into();
        Self { what: c.clone(), c, ours: wrap(ours.into()), since: None, of: "" }
    }

    fn since(self, version: &'static str) -> Self {
        Self { since: Some(version), ..self }
    }
}

/// As the C program sees it: negative numbers wrap.
#[expect(clippy::cast_possible_truncation, reason = "every number here fits into 64 bits")]
fn wrap(value: i128) -> u64 {
    value as u64
}

/// How a field of ours relates to the C struct.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// Same name, in every version.
    C,
    /// Another name in C.
    As(&'static str),
    /// Since that Linux; before, its bytes were reserved ones.
    Since(&'static str),
    /// Padding, or a meaning that only we give to reserved bytes.
    Ours,
}

struct Field {
    name: &'static str,
    /// Offset and size, as Linux 6.12 has them.
    linux: (usize, usize),
    ours: (usize, usize),
    in_c: In,
}

struct Struct {
    name: &'static str,
    c: &'static str,
    /// Size, as Linux 6.12 has it.
    linux: usize,
    ours: usize,
    since: Option<&'static str>,
    /// Same layout in a 32-bit process?
    same_in_32: bool,
    fields: Vec<Field>,
}

fn size_of_field<S, F>(_: impl Fn(S) -> F) -> usize {
    size_of::<F>()
}

macro_rules! structs {
    ($($ty:path = $c:literal, $size:literal $([$only64:ident])? $(since $since:literal)? {
        $($field:ident: $offset:literal, $len:literal $(, $how:expr)?;)*
    })*) => {
        vec![$({
            // Stops compiling when a field is missing from the table.
            let _ = |value: $ty| { let $ty { $($field: _),* } = value; };
            Struct {
                name: stringify!($ty),
                c: $c,
                linux: $size,
                ours: size_of::<$ty>(),
                since: structs!(@since $($since)?),
                same_in_32: structs!(@same $($only64)?),
                fields: vec![$(Field {
                    name: stringify!($field),
                    linux: ($offset, $len),
                    ours: (offset_of!($ty, $field), size_of_field(|value: $ty| value.$field)),
                    in_c: structs!(@how $($how)?),
                }),*],
            }
        }),*]
    };
    (@since) => { None };
    (@since $since:literal) => { Some($since) };
    (@same) => { true };
    (@same only64) => { false };
    (@how) => { In::C };
    (@how $how:expr) => { $how };
}

/// Every struct, with the offsets and sizes of Linux 6.12 on x86-64.
fn structs() -> Vec<Struct> {
    use In::{As, Ours, Since};
    structs! {
        Address = "struct snd_seq_addr", 2 { client: 0, 1; port: 1, 1; }
        seq::Connect = "struct snd_seq_connect", 4 { sender: 0, 2; dest: 2, 2; }
        seq::RealTime = "struct snd_seq_real_time", 8 { tv_sec: 0, 4; tv_nsec: 4, 4; }
        event::EventTime = "union snd_seq_timestamp", 8 {
            tick_or_sec: 0, 4, As("tick"); nsec: 4, 4, As("time.tv_nsec");
        }
        event::Event = "struct snd_seq_event", 28 {
            event_type: 0, 1, As("type"); flags: 1, 1; tag: 2, 1; queue: 3, 1; time: 4, 8;
            source: 12, 2; dest: 14, 2; data: 16, 12;
        }
        seq::SystemInfo = "struct snd_seq_system_info", 48 {
            queues: 0, 4; clients: 4, 4; ports: 8, 4; channels: 12, 4; cur_clients: 16, 4;
            cur_queues: 20, 4; reserved: 24, 24;
        }
        seq::RunningInfo = "struct snd_seq_running_info", 16 {
            client: 0, 1; big_endian: 1, 1; cpu_mode: 2, 1; pad: 3, 1; reserved: 4, 12;
        }
        seq::ClientInfo = "struct snd_seq_client_info", 188 {
            client: 0, 4; client_type: 4, 4, As("type"); name: 8, 64; filter: 72, 4;
            multicast_filter: 76, 8; event_filter: 84, 32; num_ports: 116, 4; event_lost: 120, 4;
            card: 124, 4; pid: 128, 4; midi_version: 132, 4; group_filter: 136, 4, Since("6.5");
            reserved: 140, 48, Since("6.5");
        }
        seq::ClientPool = "struct snd_seq_client_pool", 88 {
            client: 0, 4; output_pool: 4, 4; input_pool: 8, 4; output_room: 12, 4;
            output_free: 16, 4; input_free: 20, 4; reserved: 24, 64;
        }
        seq::RemoveEvents = "struct snd_seq_remove_events", 64 {
            remove_mode: 0, 4; time: 4, 8; queue: 12, 1; dest: 13, 2; channel: 15, 1;
            event_type: 16, 4, As("type"); tag: 20, 1; pad: 21, 3, Ours; reserved: 24, 40;
        }
        seq::PortInfo = "struct snd_seq_port_info", 168 [only64] {
            addr: 0, 2; name: 2, 64; pad: 66, 2, Ours; capability: 68, 4;
            port_type: 72, 4, As("type"); midi_channels: 76, 4; midi_voices: 80, 4;
            synth_voices: 84, 4; read_use: 88, 4; write_use: 92, 4; kernel: 96, 8; flags: 104, 4;
            time_queue: 108, 1; direction: 109, 1, Since("6.5"); ump_group: 110, 1, Since("6.5");
            reserved: 111, 57, Since("6.5");
        }
        seq::QueueInfo = "struct snd_seq_queue_info", 140 {
            queue: 0, 4; owner: 4, 4; locked: 8, 1, Ours; name: 9, 64; pad: 73, 3, Ours;
            flags: 76, 4; reserved: 80, 60;
        }
        seq::QueueStatus = "struct snd_seq_queue_status", 92 {
            queue: 0, 4; events: 4, 4; tick: 8, 4; time: 12, 8; running: 20, 4; flags: 24, 4;
            reserved: 28, 64;
        }
        seq::QueueTempo = "struct snd_seq_queue_tempo", 44 {
            queue: 0, 4; tempo: 4, 4; ppq: 8, 4; skew_value: 12, 4; skew_base: 16, 4;
            tempo_base: 20, 2, Since("6.11"); reserved: 22, 22, Since("6.11");
        }
        seq::QueueTimer = "struct snd_seq_queue_timer", 96 {
            queue: 0, 4; timer_type: 4, 4, As("type"); id: 8, 20, As("u.alsa.id");
            resolution: 28, 4, As("u.alsa.resolution"); reserved: 32, 64;
        }
        seq::QueueClient = "struct snd_seq_queue_client", 76 {
            queue: 0, 4; client: 4, 4; used: 8, 4; reserved: 12, 64;
        }
        seq::PortSubscribe = "struct snd_seq_port_subscribe", 80 {
            sender: 0, 2; dest: 2, 2; voices: 4, 4; flags: 8, 4; queue: 12, 1; pad: 13, 3;
            reserved: 16, 64;
        }
        seq::QuerySubs = "struct snd_seq_query_subs", 88 {
            root: 0, 2; pad: 2, 2, Ours; query_type: 4, 4, As("type"); index: 8, 4;
            num_subs: 12, 4; addr: 16, 2; queue: 18, 1; pad2: 19, 1, Ours; flags: 20, 4;
            reserved: 24, 64;
        }
        ump::UmpEvent = "struct snd_seq_ump_event", 32 since "6.5" {
            event_type: 0, 1, As("type"); flags: 1, 1; tag: 2, 1; queue: 3, 1; time: 4, 8;
            source: 12, 2; dest: 14, 2; ump: 16, 16;
        }
        ump::ClientUmpInfo = "struct snd_seq_client_ump_info", 520 since "6.5" {
            client: 0, 4; info_type: 4, 4, As("type"); info: 8, 512;
        }
        ump::UmpEndpointInfo = "struct snd_ump_endpoint_info", 328 since "6.5" {
            card: 0, 4; device: 4, 4; flags: 8, 4; protocol_caps: 12, 4; protocol: 16, 4;
            num_blocks: 20, 4; version: 24, 2; family_id: 26, 2; model_id: 28, 2;
            manufacturer_id: 30, 4; sw_revision: 34, 4; padding: 38, 2; name: 40, 128;
            product_id: 168, 128; reserved: 296, 32;
        }
        ump::UmpBlockInfo = "struct snd_ump_block_info", 180 since "6.5" {
            card: 0, 4; device: 4, 4; block_id: 8, 1; direction: 9, 1; active: 10, 1;
            first_group: 11, 1; num_groups: 12, 1; midi_ci_version: 13, 1; sysex8_streams: 14, 1;
            ui_hint: 15, 1; flags: 16, 4; name: 20, 128; reserved: 148, 32;
        }
        timer::TimerId = "struct snd_timer_id", 20 {
            dev_class: 0, 4; dev_sclass: 4, 4; card: 8, 4; device: 12, 4; subdevice: 16, 4;
        }
        timer::TimerGinfo = "struct snd_timer_ginfo", 248 [only64] {
            tid: 0, 20; flags: 20, 4; card: 24, 4; id: 28, 64; name: 92, 80; pad: 172, 4, Ours;
            reserved0: 176, 8; resolution: 184, 8; resolution_min: 192, 8; resolution_max: 200, 8;
            clients: 208, 4; reserved: 212, 32; pad2: 244, 4, Ours;
        }
        timer::TimerGparams = "struct snd_timer_gparams", 72 [only64] {
            tid: 0, 20; pad: 20, 4, Ours; period_num: 24, 8; period_den: 32, 8; reserved: 40, 32;
        }
        timer::TimerGstatus = "struct snd_timer_gstatus", 80 [only64] {
            tid: 0, 20; pad: 20, 4, Ours; resolution: 24, 8; resolution_num: 32, 8;
            resolution_den: 40, 8; reserved: 48, 32;
        }
        timer::TimerSelect = "struct snd_timer_select", 52 { id: 0, 20; reserved: 20, 32; }
        timer::TimerInfo = "struct snd_timer_info", 232 [only64] {
            flags: 0, 4; card: 4, 4; id: 8, 64; name: 72, 80; reserved0: 152, 8;
            resolution: 160, 8; reserved: 168, 64;
        }
        timer::TimerParams = "struct snd_timer_params", 80 {
            flags: 0, 4; ticks: 4, 4; queue_size: 8, 4; reserved0: 12, 4; filter: 16, 4;
            reserved: 20, 60;
        }
        timer::TimerStatus = "struct snd_timer_status", 96 [only64] {
            tv_sec: 0, 8, As("tstamp.tv_sec"); tv_nsec: 8, 8, As("tstamp.tv_nsec");
            resolution: 16, 4; lost: 20, 4; overrun: 24, 4; queue: 28, 4; reserved: 32, 64;
        }
        timer::TimerUinfo = "struct snd_timer_uinfo", 32 since "6.12" {
            resolution: 0, 8; fd: 8, 4; id: 12, 4; reserved: 16, 16;
        }
        control::CardInfo = "struct snd_ctl_card_info", 376 {
            card: 0, 4; pad: 4, 4; id: 8, 16; driver: 24, 16; name: 40, 32; longname: 72, 80;
            reserved: 152, 16, As("reserved_"); mixername: 168, 80; components: 248, 128;
        }
        control::ElemId = "struct snd_ctl_elem_id", 64 {
            numid: 0, 4; iface: 4, 4; device: 8, 4; subdevice: 12, 4; name: 16, 44; index: 60, 4;
        }
        control::ElemList = "struct snd_ctl_elem_list", 80 [only64] {
            offset: 0, 4; space: 4, 4; used: 8, 4; count: 12, 4; pids: 16, 8; reserved: 24, 50;
            pad: 74, 6, Ours;
        }
        control::ElemInfo = "struct snd_ctl_elem_info", 272 {
            id: 0, 64; elem_type: 64, 4, As("type"); access: 68, 4; count: 72, 4; owner: 76, 4;
            value: 80, 128; reserved: 208, 64;
        }
        control::Tlv = "struct snd_ctl_tlv", 8 { numid: 0, 4; length: 4, 4; }
        control::PcmInfo = "struct snd_pcm_info", 288 {
            device: 0, 4; subdevice: 4, 4; stream: 8, 4; rest: 12, 276, Ours;
        }
        control::RawmidiInfo = "struct snd_rawmidi_info", 268 {
            device: 0, 4; subdevice: 4, 4; stream: 8, 4; rest: 12, 256, Ours;
        }
        timer::TimerRead = "struct snd_timer_read", 8 { resolution: 0, 4; ticks: 4, 4; }
        timer::TimerTread = "struct snd_timer_tread", 32 [only64] {
            event: 0, 4; pad1: 4, 4, Ours; tv_sec: 8, 8, As("tstamp.tv_sec");
            tv_nsec: 16, 8, As("tstamp.tv_nsec"); val: 24, 4; pad2: 28, 4, Ours;
        }
    }
}

/// The structs that a 32-bit process lays out differently.
fn structs_of_32_bit() -> Vec<Struct> {
    use In::{As, Ours};
    structs! {
        seq::PortInfo32 = "struct snd_seq_port_info", 164 {
            addr: 0, 2; name: 2, 64; pad: 66, 2, Ours; capability: 68, 4;
            port_type: 72, 4, As("type"); midi_channels: 76, 4; midi_voices: 80, 4;
            synth_voices: 84, 4; read_use: 88, 4; write_use: 92, 4; kernel: 96, 4; flags: 100, 4;
            time_queue: 104, 1; reserved: 105, 3, Ours; time_queue_again: 108, 1, Ours;
            direction: 109, 1, Ours; ump_group: 110, 1, Ours; reserved2: 111, 53, Ours;
        }
        timer::TimerGparams32 = "struct snd_timer_gparams", 60 {
            tid: 0, 20; period_num: 20, 4; period_den: 24, 4; reserved: 28, 32;
        }
        timer::TimerInfo32 = "struct snd_timer_info", 224 {
            flags: 0, 4; card: 4, 4; id: 8, 64; name: 72, 80; reserved0: 152, 4;
            resolution: 156, 4; reserved: 160, 64;
        }
        timer::TimerStatus32 = "struct snd_timer_status", 88 {
            tv_sec: 0, 4, As("tstamp.tv_sec"); tv_nsec: 4, 4, As("tstamp.tv_nsec");
            resolution: 8, 4; lost: 12, 4; overrun: 16, 4; queue: 20, 4; reserved: 24, 64;
        }
        timer::TimerTread32 = "struct snd_timer_tread", 16 {
            event: 0, 4; tv_sec: 4, 4, As("tstamp.tv_sec"); tv_nsec: 8, 4, As("tstamp.tv_nsec");
            val: 12, 4;
        }
    }
}

impl Struct {
    /// What C can be asked about the struct. The reserved bytes behind a new field change with it.
    fn items(&self) -> Vec<Item> {
        let newer = |version: Option<&'static str>, item: Item| match version.or(self.since) {
            Some(version) => item.since(version),
            None => item,
        };
        let mut items = vec![newer(None, Item::new(format!("sizeof({})", self.c), int(self.ours)))];
        let new_field = self.fields.iter().find(|field| matches!(field.in_c, In::Since(_)));
        for field in &self.fields {
            let (name, since) = match field.in_c {
                In::C => (field.name, None),
                In::As(name) => (name, None),
                In::Since(version) => (field.name, Some(version)),
                In::Ours => continue,
            };
            // The reserved bytes exist in older headers too, with another size: a factor that only
            // compiles together with the new field makes them wait for it.
            let gate = match new_field {
                Some(new) if field.name == "reserved" => {
                    format!(" + 0 * sizeof((({} *)0)->{})", self.c, new.name)
                }
                _ => String::new(),
            };
            let (offset, size) = field.ours;
            let c = self.c;
            let mut offset =
                Item::new(format!("__builtin_offsetof({c}, {name}){gate}"), int(offset));
            let mut size = Item::new(format!("sizeof((({c} *)0)->{name}){gate}"), int(size));
            offset.what = format!("offset of {c}.{name}");
            size.what = format!("size of {c}.{name}");
            (offset.of, size.of) = (c, c);
            items.push(newer(since, offset));
            items.push(newer(since, size));
        }
        items
    }
}

fn int(value: usize) -> i128 {
    i128::try_from(value).unwrap_or(i128::MAX)
}

fn flags<F: Flags<Bits: Into<i128>>>(prefix: &str, newer: &[(&str, &'static str)]) -> Vec<Item> {
    let named = F::FLAGS.iter().filter(|flag| !flag.name().is_empty());
    named
        .map(|flag| {
            let item = Item::new(format!("{prefix}{}", flag.name()), flag.value().bits());
            match newer.iter().find(|(name, _)| *name == flag.name()) {
                Some((_, version)) => item.since(version),
                None => item,
            }
        })
        .collect()
}

macro_rules! constants {
    ($prefix:literal $module:ident: $($name:ident)*) => {
        [$(Item::new(concat!($prefix, stringify!($name)), $module::$name)),*]
    };
}

fn constants() -> Vec<Item> {
    let mut items = Vec::new();
    for (name, event_type) in EventType::ALL {
        let item = Item::new(format!("SNDRV_SEQ_EVENT_{name}"), event_type.0);
        let newer = name.starts_with("UMP_");
        items.push(if newer { item.since("6.16") } else { item });
    }
    items.extend(constants!("SNDRV_SEQ_" event: QUEUE_DIRECT ADDRESS_UNKNOWN));
    items.extend(constants!("SNDRV_SEQ_" event: ADDRESS_SUBSCRIBERS ADDRESS_BROADCAST));
    items.extend([
        Item::new("SNDRV_SEQ_TIME_STAMP_REAL", EventFlags::REAL_TIME.bits()),
        Item::new("SNDRV_SEQ_TIME_MODE_REL", EventFlags::RELATIVE.bits()),
        Item::new("SNDRV_SEQ_EVENT_LENGTH_FIXED", event::EventLength::FIXED.0),
        Item::new("SNDRV_SEQ_EVENT_LENGTH_VARIABLE", EventFlags::VARIABLE.bits()),
        Item::new("SNDRV_SEQ_EVENT_LENGTH_VARIABLE + 0", event::EventLength::VARIABLE.0),
        Item::new("SNDRV_SEQ_EVENT_LENGTH_VARUSR", EventFlags::VARUSR.bits()),
        Item::new("SNDRV_SEQ_EVENT_LENGTH_VARUSR + 0", event::EventLength::VARUSR.0),
        Item::new("SNDRV_SEQ_EVENT_LENGTH_MASK", event::EventLength::MASK),
        Item::new("SNDRV_SEQ_PRIORITY_HIGH", EventFlags::PRIORITY.bits()),
        Item::new("SNDRV_SEQ_EVENT_UMP", EventFlags::UMP.bits()).since("6.5"),
    ]);
    items.extend(constants!("SNDRV_SEQ_" seq: CLIENT_SYSTEM CLIENT_DUMMY CLIENT_OSS));
    items.extend(constants!("SNDRV_SEQ_" seq: PORT_SYSTEM_TIMER PORT_SYSTEM_ANNOUNCE));
    items.extend(constants!("" seq: USER_CLIENT KERNEL_CLIENT));
    items.extend(constants!("SNDRV_SEQ_" seq: TIMER_ALSA TIMER_MIDI_CLOCK TIMER_MIDI_TICK));
    items.extend(constants!("SNDRV_SEQ_" seq: QUERY_SUBS_READ QUERY_SUBS_WRITE));
    items.extend(constants!("SNDRV_SEQ_" ump: CLIENT_LEGACY_MIDI CLIENT_UMP_MIDI_1_0));
    items.extend(constants!("SNDRV_SEQ_" ump: CLIENT_UMP_MIDI_2_0).map(|item| item.since("6.5")));
    let ump = constants!("SNDRV_SEQ_" ump: CLIENT_UMP_INFO_ENDPOINT CLIENT_UMP_INFO_BLOCK);
    items.extend(ump.map(|item| item.since("6.5")));
    items.extend(flags::<seq::ClientFilter>("SNDRV_SEQ_FILTER_", &[("NO_CONVERT", "6.5")]));
    items.extend(flags::<seq::RemoveMode>("SNDRV_SEQ_REMOVE_", &[]));
    let newer = [("INACTIVE", "6.5"), ("UMP_ENDPOINT", "6.5")];
    items.extend(flags::<seq::PortCaps>("SNDRV_SEQ_PORT_CAP_", &newer));
    items.extend(flags::<seq::PortType>("SNDRV_SEQ_PORT_TYPE_", &[("MIDI_UMP", "6.5")]));
    items.extend(flags::<seq::PortFlags>("SNDRV_SEQ_PORT_FLG_", &[("IS_MIDI1", "6.10")]));
    items.extend(flags::<seq::QueueFlags>("SNDRV_SEQ_QUEUE_FLG_", &[]));
    items.extend(flags::<seq::SubscriptionFlags>("SNDRV_SEQ_PORT_SUBS_", &[]));
    items.extend(flags::<timer::ParamsFlags>("SNDRV_TIMER_PSFLG_", &[]));
    for (name, timer_event) in timer::TimerEvent::ALL {
        items.push(Item::new(format!("SNDRV_TIMER_EVENT_{name}"), timer_event.0));
    }
    let classes = constants!("SNDRV_TIMER_" timer: CLASS_NONE CLASS_SLAVE CLASS_GLOBAL CLASS_CARD
        CLASS_PCM SCLASS_NONE SCLASS_APPLICATION SCLASS_SEQUENCER SCLASS_OSS_SEQUENCER GLOBAL_SYSTEM
        GLOBAL_RTC GLOBAL_HPET GLOBAL_HRTIMER FLG_SLAVE);
    items.extend(classes);
    items.push(Item::new("SNDRV_TIMER_GLOBAL_UDRIVEN", timer::GLOBAL_UDRIVEN).since("6.12"));
    for (name, code) in ioctl::sequencer::ALL {
        let item = Item::new(*name, *code);
        items.push(if name.contains("UMP") { item.since("6.5") } else { item });
    }
    for (name, code) in ioctl::timers::ALL {
        let item = Item::new(*name, *code);
        let newer = ["CREATE", "TRIGGER"].iter().any(|end| name.ends_with(end));
        items.push(if newer { item.since("6.12") } else { item });
    }
    for (name, code) in ioctl::controls::ALL {
        items.push(Item::new(*name, *code));
    }
    items.extend([
        Item::new("SNDRV_CTL_ELEM_TYPE_BOOLEAN", control::ELEM_TYPE_BOOLEAN),
        Item::new("SNDRV_CTL_ELEM_TYPE_INTEGER64", control::ELEM_TYPE_INTEGER64),
        Item::new("SNDRV_PCM_STREAM_CAPTURE", control::PCM_STREAM_CAPTURE),
        Item::new("SNDRV_CTL_POWER_D0", control::POWER_D0),
        Item::new("sizeof(struct snd_ctl_event)", int(control::EVENT_SIZE)),
        Item::new("sizeof(struct snd_ctl_elem_value)", int(size_of::<control::ElemValue>())),
        Item::new("sizeof(struct snd_hwdep_info)", int(size_of::<control::HwdepInfo>())),
        Item::new("_IOC_WRITE", ioctl::WRITE),
        Item::new("_IOC_READ", ioctl::READ),
        Item::new("_IOC(_IOC_READ, 'S', 1, 44)", ioctl::ioc(ioctl::READ, b'S', 1, 44)),
    ]);
    items.extend(errnos());
    items
}

fn errnos() -> Vec<Item> {
    let all = [
        Errno::EPERM,
        Errno::ENOENT,
        Errno::EINTR,
        Errno::EIO,
        Errno::ENXIO,
        Errno::EBADF,
        Errno::EAGAIN,
        Errno::ENOMEM,
        Errno::EACCES,
        Errno::EFAULT,
        Errno::EBUSY,
        Errno::ENODEV,
        Errno::EINVAL,
        Errno::ENOTTY,
        Errno::ENOPROTOOPT,
        Errno::ENOSPC,
        Errno::ESPIPE,
        Errno::EMLINK,
        Errno::ENOSYS,
        Errno::EBADFD,
    ];
    all.into_iter().filter_map(|errno| Some(Item::new(errno.name()?, errno.0))).collect()
}

/// Where the views of the 12 data bytes find their members: each view is built with one member set,
/// and the first byte that is not zero is the member's offset.
fn views() -> Vec<Item> {
    let at = |data: EventData| int(data.0.iter().position(|&byte| byte != 0).unwrap_or(99));
    let note = |note| at(EventData::from_note(note));
    let control = |control| at(EventData::from_control(control));
    let c = |view: &str, member: &str, ours: i128| {
        Item::new(format!("__builtin_offsetof({view}, {member})"), ours)
    };
    let (zero, ctrl) = (Note::default(), Control::default());
    let here = Address { client: 1, port: 0 };
    let there = Address { client: 0, port: 1 };
    let none = Address::default();
    let connect = |sender, dest| at(EventData::from_connect(seq::Connect { sender, dest }));
    let (notes, controls) = ("struct snd_seq_ev_note", "struct snd_seq_ev_ctrl");
    let queue = "struct snd_seq_ev_queue_control";
    let mut result = EventData::default();
    result.0[4] = 1;
    vec![
        c(notes, "channel", note(Note { channel: 1, ..zero })),
        c(notes, "note", note(Note { note: 1, ..zero })),
        c(notes, "velocity", note(Note { velocity: 1, ..zero })),
        c(notes, "off_velocity", note(Note { off_velocity: 1, ..zero })),
        c(notes, "duration", note(Note { duration: 1, ..zero })),
        c(controls, "channel", control(Control { channel: 1, ..ctrl })),
        c(controls, "param", control(Control { param: 1, ..ctrl })),
        c(controls, "value", control(Control { value: 1, ..ctrl })),
        c("struct snd_seq_ev_ext", "len", at(EventData::from_ext_len(1))),
        c("struct snd_seq_ev_ext", "ptr", 4),
        c(queue, "queue", at(EventData::from_queue(1, 0, 0))),
        c(queue, "param.value", at(EventData::from_queue(0, 1, 0))),
        c(queue, "param.time.tick", at(EventData::from_queue(0, 1, 0))),
        c(queue, "param.time.time.tv_nsec", at(EventData::from_queue(0, 0, 1))),
        c(queue, "param.skew.base", at(EventData::from_queue(0, 0, 1))),
        c("struct snd_seq_addr", "port", at(EventData::from_address(there))),
        c("struct snd_seq_connect", "sender", connect(here, none)),
        c("struct snd_seq_connect", "sender.port", connect(there, none)),
        c("struct snd_seq_connect", "dest", connect(none, here)),
        c("struct snd_seq_connect", "dest.port", connect(none, there)),
        c("struct snd_seq_result", "result", if result.result() == (0, 1) { 4 } else { 99 }),
    ]
}

/// Fails with a table when there are lines in it.
fn report(title: &str, differences: &[(String, u64, u64)]) {
    if differences.is_empty() {
        return;
    }
    let mut table = format!("{title}\n{:<64} {:>18} {:>18}\n", "what", "expected", "aseqd-abi");
    for (what, expected, ours) in differences {
        let _ = writeln!(table, "{what:<64} {expected:>#18x} {ours:>#18x}");
    }
    panic!("{table}");
}

#[test]
fn layout_is_that_of_linux_6_12() {
    let mut differences = Vec::new();
    let mut compare = |what: String, expected: usize, ours: usize| {
        if expected != ours {
            differences.push((what, expected as u64, ours as u64));
        }
    };
    for entry in structs().into_iter().chain(structs_of_32_bit()) {
        compare(format!("size of {}", entry.name), entry.linux, entry.ours);
        let mut end = 0;
        for field in &entry.fields {
            compare(
                format!("offset of {}.{}", entry.name, field.name),
                field.linux.0,
                field.ours.0,
            );
            compare(format!("size of {}.{}", entry.name, field.name), field.linux.1, field.ours.1);
            compare(format!("gap before {}.{}", entry.name, field.name), end, field.linux.0);
            end = field.linux.0 + field.linux.1;
        }
        compare(format!("gap at the end of {}", entry.name), entry.linux, end);
    }
    report("layout differs from Linux 6.12's", &differences);
}

#[test]
fn request_codes_are_those_of_linux_6_12() {
    let expected: &[(&str, u32)] = &[
        ("SNDRV_SEQ_IOCTL_PVERSION", 0x8004_5300),
        ("SNDRV_SEQ_IOCTL_CLIENT_ID", 0x8004_5301),
        ("SNDRV_SEQ_IOCTL_SYSTEM_INFO", 0xc030_5302),
        ("SNDRV_SEQ_IOCTL_RUNNING_MODE", 0xc010_5303),
        ("SNDRV_SEQ_IOCTL_USER_PVERSION", 0x4004_5304),
        ("SNDRV_SEQ_IOCTL_GET_CLIENT_INFO", 0xc0bc_5310),
        ("SNDRV_SEQ_IOCTL_SET_CLIENT_INFO", 0x40bc_5311),
        ("SNDRV_SEQ_IOCTL_GET_CLIENT_UMP_INFO", 0xc208_5312),
        ("SNDRV_SEQ_IOCTL_SET_CLIENT_UMP_INFO", 0xc208_5313),
        ("SNDRV_SEQ_IOCTL_CREATE_PORT", 0xc0a8_5320),
        ("SNDRV_SEQ_IOCTL_DELETE_PORT", 0x40a8_5321),
        ("SNDRV_SEQ_IOCTL_GET_PORT_INFO", 0xc0a8_5322),
        ("SNDRV_SEQ_IOCTL_SET_PORT_INFO", 0x40a8_5323),
        ("SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT", 0x4050_5330),
        ("SNDRV_SEQ_IOCTL_UNSUBSCRIBE_PORT", 0x4050_5331),
        ("SNDRV_SEQ_IOCTL_CREATE_QUEUE", 0xc08c_5332),
        ("SNDRV_SEQ_IOCTL_DELETE_QUEUE", 0x408c_5333),
        ("SNDRV_SEQ_IOCTL_GET_QUEUE_INFO", 0xc08c_5334),
        ("SNDRV_SEQ_IOCTL_SET_QUEUE_INFO", 0xc08c_5335),
        ("SNDRV_SEQ_IOCTL_GET_NAMED_QUEUE", 0xc08c_5336),
        ("SNDRV_SEQ_IOCTL_GET_QUEUE_STATUS", 0xc05c_5340),
        ("SNDRV_SEQ_IOCTL_GET_QUEUE_TEMPO", 0xc02c_5341),
        ("SNDRV_SEQ_IOCTL_SET_QUEUE_TEMPO", 0x402c_5342),
        ("SNDRV_SEQ_IOCTL_GET_QUEUE_TIMER", 0xc060_5345),
        ("SNDRV_SEQ_IOCTL_SET_QUEUE_TIMER", 0x4060_5346),
        ("SNDRV_SEQ_IOCTL_GET_QUEUE_CLIENT", 0xc04c_5349),
        ("SNDRV_SEQ_IOCTL_SET_QUEUE_CLIENT", 0x404c_534a),
        ("SNDRV_SEQ_IOCTL_GET_CLIENT_POOL", 0xc058_534b),
        ("SNDRV_SEQ_IOCTL_SET_CLIENT_POOL", 0x4058_534c),
        ("SNDRV_SEQ_IOCTL_REMOVE_EVENTS", 0x4040_534e),
        ("SNDRV_SEQ_IOCTL_QUERY_SUBS", 0xc058_534f),
        ("SNDRV_SEQ_IOCTL_GET_SUBSCRIPTION", 0xc050_5350),
        ("SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT", 0xc0bc_5351),
        ("SNDRV_SEQ_IOCTL_QUERY_NEXT_PORT", 0xc0a8_5352),
        ("SNDRV_SEQ_IOCTL_CREATE_PORT32", 0xc0a4_5320),
        ("SNDRV_SEQ_IOCTL_DELETE_PORT32", 0x40a4_5321),
        ("SNDRV_SEQ_IOCTL_GET_PORT_INFO32", 0xc0a4_5322),
        ("SNDRV_SEQ_IOCTL_SET_PORT_INFO32", 0x40a4_5323),
        ("SNDRV_SEQ_IOCTL_QUERY_NEXT_PORT32", 0xc0a4_5352),
        ("SNDRV_TIMER_IOCTL_PVERSION", 0x8004_5400),
        ("SNDRV_TIMER_IOCTL_NEXT_DEVICE", 0xc014_5401),
        ("SNDRV_TIMER_IOCTL_TREAD_OLD", 0x4004_5402),
        ("SNDRV_TIMER_IOCTL_GINFO", 0xc0f8_5403),
        ("SNDRV_TIMER_IOCTL_GPARAMS", 0x4048_5404),
        ("SNDRV_TIMER_IOCTL_GSTATUS", 0xc050_5405),
        ("SNDRV_TIMER_IOCTL_SELECT", 0x4034_5410),
        ("SNDRV_TIMER_IOCTL_INFO", 0x80e8_5411),
        ("SNDRV_TIMER_IOCTL_PARAMS", 0x4050_5412),
        ("SNDRV_TIMER_IOCTL_STATUS", 0x8060_5414),
        ("SNDRV_TIMER_IOCTL_START", 0x54a0),
        ("SNDRV_TIMER_IOCTL_STOP", 0x54a1),
        ("SNDRV_TIMER_IOCTL_CONTINUE", 0x54a2),
        ("SNDRV_TIMER_IOCTL_PAUSE", 0x54a3),
        ("SNDRV_TIMER_IOCTL_CREATE", 0xc020_54a5),
        ("SNDRV_TIMER_IOCTL_TRIGGER", 0x54a6),
        ("SNDRV_TIMER_IOCTL_TREAD64", 0x4004_54a4),
        ("SNDRV_TIMER_IOCTL_START_OLD", 0x5420),
        ("SNDRV_TIMER_IOCTL_STOP_OLD", 0x5421),
        ("SNDRV_TIMER_IOCTL_CONTINUE_OLD", 0x5422),
        ("SNDRV_TIMER_IOCTL_PAUSE_OLD", 0x5423),
        ("SNDRV_TIMER_IOCTL_STATUS32", 0x8058_5414),
        ("SNDRV_TIMER_IOCTL_GPARAMS32", 0x403c_5404),
        ("SNDRV_TIMER_IOCTL_INFO32", 0x80e0_5411),
    ];
    let tables = [
        ioctl::sequencer::ALL,
        ioctl::sequencer32::ALL,
        ioctl::timers::ALL,
        ioctl::timers_old::ALL,
        ioctl::timers32::ALL,
    ];
    let ours: Vec<_> = tables.into_iter().flatten().copied().collect();
    let mut differences = Vec::new();
    for &(name, code) in expected {
        let found = ours.iter().find(|(other, _)| *other == name).map_or(0, |&(_, code)| code);
        if found != code {
            differences.push((name.to_owned(), u64::from(code), u64::from(found)));
        }
    }
    report("request codes differ from Linux 6.12's", &differences);
    assert_eq!(ours.len(), expected.len(), "a request is missing from this test");
    assert_eq!(seq::VERSION, 0x01_00_05);
    assert_eq!(timer::VERSION, 0x02_00_08);
}

#[test]
fn everything_is_as_in_the_installed_headers() {
    let mut items: Vec<_> = structs().iter().flat_map(Struct::items).collect();
    items.extend(constants());
    items.extend(views());
    compare_with_headers("64-bit", &[], items, true);
}

#[test]
fn layout_is_the_same_in_a_32_bit_process_but_for_ports_and_times() {
    let mut items: Vec<_> =
        structs().iter().filter(|entry| entry.same_in_32).flat_map(Struct::items).collect();
    items.extend(structs_of_32_bit().iter().flat_map(Struct::items));
    for (name, code) in ioctl::sequencer::ALL.iter().copied() {
        let of_port =
            ioctl::sequencer32::ALL.iter().find(|(other, _)| *other == format!("{name}32"));
        let item = Item::new(name, of_port.map_or(code, |&(_, code)| code));
        items.push(if name.contains("UMP") { item.since("6.5") } else { item });
    }
    compare_with_headers("32-bit", &["-m32"], items, false);
}

const HEADERS: &str = "#include <errno.h>\n#include <linux/version.h>\n#include <sys/ioctl.h>\n\
                       #include <sound/asound.h>\n#include <sound/asequencer.h>\n";
const FIRST_MARK: u64 = 0x6173_6571_645f_6162;
const LAST_MARK: u64 = 0x6c61_796f_7574_2e21;

/// The headers' answers against ours. Skips say what and why; a mismatch fails with a table.
fn compare_with_headers(width: &str, flags: &[&str], items: Vec<Item>, notices: bool) {
    let dir = tempfile::tempdir().unwrap();
    let cc =
        Compiler { dir: dir.path(), flags: flags.iter().map(|&flag| flag.to_owned()).collect() };
    let cc = match cc.prepared() {
        Ok(cc) => cc,
        Err(why) => {
            skip(&format!("{} {width} comparisons with C headers: {why}", items.len()));
            return;
        }
    };
    let missing = cc.failing_lines(&items);
    let version = cc.values(&["LINUX_VERSION_CODE".to_owned()])[0];
    let name = format!("{}.{}", version >> 16, (version >> 8) & 0xff);
    println!("{width}: headers of Linux {name}, {} numbers", items.len());
    let lacking: Vec<_> = missing.iter().map(|&index| items[index].what.clone()).collect();
    let mut known = Vec::new();
    let mut wrongly_missing = Vec::new();
    let mut too_new = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        if !missing.contains(&index) {
            known.push(item);
        } else if item.since.is_some_and(|since| version < version_code(since)) {
            // Of a struct that is missing as a whole, its size speaks for all fields.
            if !lacking.contains(&format!("sizeof({})", item.of)) {
                too_new.push(item.what);
            }
        } else {
            wrongly_missing.push(item.what);
        }
    }
    if !too_new.is_empty() {
        let count = too_new.len();
        println!("newer than these headers: {}", too_new.join(", "));
        skip(&format!("{width}: {count} numbers are newer than the headers, of Linux {name}"));
    }
    assert!(wrongly_missing.is_empty(), "the headers of Linux {name} lack: {wrongly_missing:#?}");
    let expressions: Vec<_> = known.iter().map(|item| item.c.clone()).collect();
    let values = cc.values(&expressions);
    let differences: Vec<_> = known
        .into_iter()
        .zip(values)
        .filter(|(item, value)| item.ours != *value)
        .map(|(item, value)| (item.what, value, item.ours))
        .collect();
    report(&format!("{width}: differs from the headers of Linux {name}"), &differences);
    let (byte, bit) = cc.locked_bit();
    assert_eq!((byte, bit), (offset_of!(seq::QueueInfo, locked), 1), "the bit-field `locked`");
    if notices {
        cc.print_what_we_lack(&expressions);
    }
}

/// `6.12` as `LINUX_VERSION_CODE` writes it.
fn version_code(version: &str) -> u64 {
    let (major, minor) = version.split_once('.').unwrap();
    (major.parse::<u64>().unwrap() << 16) | (minor.parse::<u64>().unwrap() << 8)
}

struct Compiler<'a> {
    dir: &'a Path,
    flags: Vec<String>,
}

impl Compiler<'_> {
    /// Can it compile the headers at all?
    fn prepared(mut self) -> Result<Self, String> {
        // A C library without 32-bit support keeps `asm/` under the native name, and lacks one file
        // that is of no interest here.
        if self.flags.iter().any(|flag| flag == "-m32") {
            fs::create_dir_all(self.dir.join("gnu")).unwrap();
            fs::write(self.dir.join("gnu/stubs-32.h"), "").unwrap();
            self.flags.push(format!("-idirafter{}", self.dir.display()));
            if let Ok(output) = Command::new("cc").arg("-print-multiarch").output() {
                let native = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                self.flags.push(format!("-idirafter/usr/include/{native}"));
            }
        }
        match Command::new("cc").arg("--version").output() {
            Err(error) => return Err(format!("no C compiler: {error}")),
            Ok(output) if !output.status.success() => return Err("cc --version fails".to_owned()),
            Ok(_) => {}
        }
        let (ok, errors) = self.compile(&format!("{HEADERS}int probe;\n"), &["-fsyntax-only"]);
        if ok {
            return Ok(self);
        }
        let first = errors.lines().find(|line| line.contains("error")).unwrap_or("cc fails");
        Err(format!("{} (Debian: apt-get install gcc linux-libc-dev)", first.trim()))
    }

    fn compile(&self, source: &str, flags: &[&str]) -> (bool, String) {
        fs::write(self.dir.join("probe.c"), source).unwrap();
        let output = Command::new("cc")
            .current_dir(self.dir)
            .env("LC_ALL", "C")
            .args(&self.flags)
            .args(flags)
            .args(["-std=gnu11", "-w", "probe.c"])
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Indices of the items that the headers do not know: one function a line, and the compiler
    /// names the lines.
    fn failing_lines(&self, items: &[Item]) -> BTreeSet<usize> {
        let mut source = HEADERS.to_owned();
        for (index, item) in items.iter().enumerate() {
            let _ = writeln!(source, "unsigned long long p{index}(void) {{ return {}; }}", item.c);
        }
        let (_, errors) = self.compile(&source, &["-fsyntax-only"]);
        let before = HEADERS.lines().count() + 1;
        errors
            .lines()
            .filter(|line| line.contains("error:"))
            .filter_map(|line| line.strip_prefix("probe.c:")?.split(':').next()?.parse().ok())
            .filter_map(|line: usize| line.checked_sub(before))
            .collect()
    }

    /// What C makes of the expressions.
    fn values(&self, expressions: &[String]) -> Vec<u64> {
        let mut source =
            format!("{HEADERS}const unsigned long long table[] = {{ {FIRST_MARK}ull,\n");
        for expression in expressions {
            let _ = writeln!(source, "(unsigned long long)(long long)({expression}),");
        }
        let _ = writeln!(source, "{LAST_MARK}ull }};");
        let bytes = self.marked_bytes(&source);
        assert_eq!(bytes.len(), expressions.len() * 8, "the table in the object file");
        bytes.as_chunks().0.iter().map(|&chunk| u64::from_ne_bytes(chunk)).collect()
    }

    /// Which byte and value the bit-field `locked` of a queue is: C gives no offset for it.
    fn locked_bit(&self) -> (usize, u8) {
        let source = format!(
            "{HEADERS}const struct __attribute__((packed)) {{ unsigned long long first; \
             struct snd_seq_queue_info info; unsigned long long last; }} table = \
             {{ {FIRST_MARK}ull, {{ .locked = 1 }}, {LAST_MARK}ull }};\n"
        );
        let bytes = self.marked_bytes(&source);
        let byte = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
        (byte, bytes.get(byte).copied().unwrap_or(0))
    }

    /// The bytes between the marks in the object file.
    fn marked_bytes(&self, source: &str) -> Vec<u8> {
        let (ok, errors) = self.compile(source, &["-c", "-o", "probe.o"]);
        assert!(ok, "{errors}");
        let object = fs::read(self.dir.join("probe.o")).unwrap();
        let find = |mark: u64| {
            let mark = mark.to_ne_bytes();
            object.windows(mark.len()).position(|window| window == mark).expect("a mark")
        };
        object[find(FIRST_MARK) + 8..find(LAST_MARK)].to_vec()
    }

    /// Names that the headers define and this test does not compare: a newer kernel's additions.
    fn print_what_we_lack(&self, compared: &[String]) {
        // Masks, zeros, markers and aliases: nothing to be compared.
        const LEFT_OUT: &[&str] = &[
            "SNDRV_SEQ_VERSION",
            "SNDRV_TIMER_VERSION",
            "SNDRV_SEQ_TIME_STAMP_TICK",
            "SNDRV_SEQ_TIME_STAMP_MASK",
            "SNDRV_SEQ_TIME_MODE_ABS",
            "SNDRV_SEQ_TIME_MODE_MASK",
            "SNDRV_SEQ_PRIORITY_NORMAL",
            "SNDRV_SEQ_PRIORITY_MASK",
            "SNDRV_TIMER_IOCTL_TREAD",
        ];
        fs::write(self.dir.join("names.c"), HEADERS).unwrap();
        let output = Command::new("cc")
            .current_dir(self.dir)
            .args(["-dM", "-E", "names.c"])
            .output()
            .unwrap();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some(name) = line.strip_prefix("#define ") else { continue };
            let name = name.split([' ', '(']).next().unwrap_or(name);
            let ours = name.starts_with("SNDRV_SEQ_") || name.starts_with("SNDRV_TIMER_");
            if ours && !LEFT_OUT.contains(&name) && !compared.iter().any(|other| other == name) {
                println!("not in this crate: {name}");
            }
        }
    }
}
