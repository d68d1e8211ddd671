//! The structs of the interface as data: where each field is, how it is built and printed.

use aseqd_abi::ioctl::{sequencer as s, timers as t, timers_old as old};

/// How to read the bytes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Unsigned, of this many bytes.
    Unsigned(usize),
    /// Signed, 4 bytes.
    Signed,
    /// A client number, of this many bytes.
    Client(usize),
    /// A queue number, of this many bytes.
    Queue(usize),
    /// A process id: masked.
    Process,
    /// A name of this many bytes, with a NUL at its end.
    Name(usize),
    /// A time, of this many bytes: told is only that it was set.
    Stamp(usize),
    /// Bytes, as hexadecimal text.
    Bytes(usize),
}

impl Kind {
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Unsigned(size)
            | Self::Client(size)
            | Self::Queue(size)
            | Self::Stamp(size)
            | Self::Name(size)
            | Self::Bytes(size) => size,
            Self::Signed | Self::Process => 4,
        }
    }
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) offset: usize,
    pub(crate) kind: Kind,
}

const fn field(name: &'static str, offset: usize, kind: Kind) -> Field {
    Field { name, offset, kind }
}

/// A request: its name in programs, its code, the fields of its struct.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) name: &'static str,
    pub(crate) code: u32,
    pub(crate) fields: &'static [Field],
}

const U8: Kind = Kind::Unsigned(1);
const U16: Kind = Kind::Unsigned(2);
const U32: Kind = Kind::Unsigned(4);
const U64: Kind = Kind::Unsigned(8);
const I32: Kind = Kind::Signed;
const C8: Kind = Kind::Client(1);
const C32: Kind = Kind::Client(4);
const Q8: Kind = Kind::Queue(1);
const Q32: Kind = Kind::Queue(4);
const NAME: Kind = Kind::Name(64);
const LONG_NAME: Kind = Kind::Name(128);

const CLIENT_INFO: &[Field] = &[
    field("client", 0, C32),
    field("type", 4, I32),
    field("name", 8, NAME),
    field("filter", 72, U32),
    field("multicast_filter", 76, Kind::Bytes(8)),
    field("event_filter", 84, Kind::Bytes(32)),
    field("num_ports", 116, I32),
    field("event_lost", 120, I32),
    field("card", 124, I32),
    field("pid", 128, Kind::Process),
    field("midi_version", 132, U32),
    field("group_filter", 136, U32),
];

const PORT_INFO: &[Field] = &[
    field("client", 0, C8),
    field("port", 1, U8),
    field("name", 2, NAME),
    field("capability", 68, U32),
    field("type", 72, U32),
    field("midi_channels", 76, I32),
    field("midi_voices", 80, I32),
    field("synth_voices", 84, I32),
    field("read_use", 88, I32),
    field("write_use", 92, I32),
    field("kernel", 96, U64),
    field("flags", 104, U32),
    field("time_queue", 108, Q8),
    field("direction", 109, U8),
    field("ump_group", 110, U8),
];

const SUBSCRIBE: &[Field] = &[
    field("sender", 0, C8),
    field("sender_port", 1, U8),
    field("dest", 2, C8),
    field("dest_port", 3, U8),
    field("voices", 4, U32),
    field("flags", 8, U32),
    field("queue", 12, Q8),
];

const QUEUE_INFO: &[Field] = &[
    field("queue", 0, Q32),
    field("owner", 4, C32),
    field("locked", 8, U8),
    field("name", 9, NAME),
    field("flags", 76, U32),
];

const QUEUE_STATUS: &[Field] = &[
    field("queue", 0, Q32),
    field("events", 4, I32),
    field("tick", 8, U32),
    field("sec", 12, U32),
    field("nsec", 16, U32),
    field("running", 20, I32),
    field("flags", 24, I32),
];

const QUEUE_TEMPO: &[Field] = &[
    field("queue", 0, Q32),
    field("tempo", 4, U32),
    field("ppq", 8, I32),
    field("skew_value", 12, U32),
    field("skew_base", 16, U32),
    field("tempo_base", 20, U16),
];

const QUEUE_TIMER: &[Field] = &[
    field("queue", 0, Q32),
    field("type", 4, I32),
    field("class", 8, I32),
    field("sclass", 12, I32),
    field("card", 16, I32),
    // A slave's device may be the number of a process.
    field("device", 20, Kind::Process),
    field("subdevice", 24, I32),
    field("resolution", 28, U32),
];

const QUEUE_CLIENT: &[Field] =
    &[field("queue", 0, Q32), field("client", 4, C32), field("used", 8, I32)];

const CLIENT_POOL: &[Field] = &[
    field("client", 0, C32),
    field("output_pool", 4, I32),
    field("input_pool", 8, I32),
    field("output_room", 12, I32),
    field("output_free", 16, I32),
    field("input_free", 20, I32),
];

const REMOVE: &[Field] = &[
    field("mode", 0, U32),
    field("tick", 4, U32),
    field("nsec", 8, U32),
    field("queue", 12, Q8),
    field("dest", 13, C8),
    field("dest_port", 14, U8),
    field("channel", 15, U8),
    field("type", 16, I32),
    field("tag", 20, U8),
];

const QUERY_SUBS: &[Field] = &[
    field("root", 0, C8),
    field("root_port", 1, U8),
    field("type", 4, I32),
    field("index", 8, I32),
    field("num_subs", 12, I32),
    field("addr", 16, C8),
    field("addr_port", 17, U8),
    field("queue", 18, Q8),
    field("flags", 20, U32),
];

const SYSTEM_INFO: &[Field] = &[
    field("queues", 0, I32),
    field("clients", 4, I32),
    field("ports", 8, I32),
    field("channels", 12, I32),
    field("cur_clients", 16, I32),
    field("cur_queues", 20, I32),
];

const RUNNING_INFO: &[Field] =
    &[field("client", 0, C8), field("big_endian", 1, U8), field("cpu_mode", 2, U8)];

const UMP_INFO: &[Field] = &[field("client", 0, C32), field("type", 4, I32)];

/// The struct of the same requests with an endpoint in it.
const UMP_ENDPOINT: &[Field] = &[
    field("client", 0, C32),
    field("type", 4, I32),
    field("card", 8, I32),
    field("device", 12, I32),
    field("flags", 16, U32),
    field("protocol_caps", 20, U32),
    field("protocol", 24, U32),
    field("num_blocks", 28, U32),
    field("version", 32, U16),
    field("family_id", 34, U16),
    field("model_id", 36, U16),
    field("manufacturer_id", 38, U32),
    field("sw_revision", 42, U32),
    field("name", 48, LONG_NAME),
    field("product_id", 176, LONG_NAME),
];

/// The struct of the same requests with a block in it.
const UMP_BLOCK: &[Field] = &[
    field("client", 0, C32),
    field("type", 4, I32),
    field("card", 8, I32),
    field("device", 12, I32),
    field("block_id", 16, U8),
    field("direction", 17, U8),
    field("active", 18, U8),
    field("first_group", 19, U8),
    field("num_groups", 20, U8),
    field("midi_ci_version", 21, U8),
    field("sysex8_streams", 22, U8),
    field("ui_hint", 23, U8),
    field("flags", 24, U32),
    field("name", 28, LONG_NAME),
];

const TIMER_ID: &[Field] = &[
    field("class", 0, I32),
    field("sclass", 4, I32),
    field("card", 8, I32),
    field("device", 12, Kind::Process),
    field("subdevice", 16, I32),
];

const TIMER_GINFO: &[Field] = &[
    field("class", 0, I32),
    field("sclass", 4, I32),
    field("card", 8, I32),
    field("device", 12, Kind::Process),
    field("subdevice", 16, I32),
    field("flags", 20, U32),
    field("own_card", 24, I32),
    field("id", 28, NAME),
    field("name", 92, NAME),
    field("resolution", 184, U64),
    field("resolution_min", 192, U64),
    field("resolution_max", 200, U64),
    field("clients", 208, U32),
];

const TIMER_GPARAMS: &[Field] = &[
    field("class", 0, I32),
    field("sclass", 4, I32),
    field("card", 8, I32),
    field("device", 12, Kind::Process),
    field("subdevice", 16, I32),
    field("period_num", 24, U64),
    field("period_den", 32, U64),
];

const TIMER_GSTATUS: &[Field] = &[
    field("class", 0, I32),
    field("sclass", 4, I32),
    field("card", 8, I32),
    field("device", 12, Kind::Process),
    field("subdevice", 16, I32),
    field("resolution", 24, U64),
    field("resolution_num", 32, U64),
    field("resolution_den", 40, U64),
];

const TIMER_INFO: &[Field] = &[
    field("flags", 0, U32),
    field("own_card", 4, I32),
    field("id", 8, NAME),
    field("name", 72, NAME),
    field("resolution", 160, U64),
];

const TIMER_PARAMS: &[Field] = &[
    field("flags", 0, U32),
    field("ticks", 4, U32),
    field("queue_size", 8, U32),
    field("filter", 16, U32),
];

const TIMER_STATUS: &[Field] = &[
    field("stamp", 0, Kind::Stamp(16)),
    field("resolution", 16, U32),
    field("lost", 20, U32),
    field("overrun", 24, U32),
    field("waiting", 28, U32),
];

const TIMER_STATUS32: &[Field] = &[
    field("stamp", 0, Kind::Stamp(8)),
    field("resolution", 8, U32),
    field("lost", 12, U32),
    field("overrun", 16, U32),
    field("waiting", 20, U32),
];

const TIMER_CREATE: &[Field] =
    &[field("resolution", 0, U64), field("fd", 8, Kind::Stamp(4)), field("id", 12, U32)];

const fn request(name: &'static str, code: u32, fields: &'static [Field]) -> Request {
    Request { name, code, fields }
}

/// Every request.
pub(crate) const REQUESTS: &[Request] = &[
    request("pversion", s::PVERSION, &[field("version", 0, U32)]),
    request("client_id", s::CLIENT_ID, &[field("client", 0, C32)]),
    request("system_info", s::SYSTEM_INFO, SYSTEM_INFO),
    request("running_mode", s::RUNNING_MODE, RUNNING_INFO),
    request("user_pversion", s::USER_PVERSION, &[field("version", 0, U32)]),
    request("get_client_info", s::GET_CLIENT_INFO, CLIENT_INFO),
    request("set_client_info", s::SET_CLIENT_INFO, CLIENT_INFO),
    request("get_client_ump_info", s::GET_CLIENT_UMP_INFO, UMP_INFO),
    request("set_client_ump_info", s::SET_CLIENT_UMP_INFO, UMP_INFO),
    request("get_ump_endpoint", s::GET_CLIENT_UMP_INFO, UMP_ENDPOINT),
    request("set_ump_endpoint", s::SET_CLIENT_UMP_INFO, UMP_ENDPOINT),
    request("get_ump_block", s::GET_CLIENT_UMP_INFO, UMP_BLOCK),
    request("set_ump_block", s::SET_CLIENT_UMP_INFO, UMP_BLOCK),
    request("create_port", s::CREATE_PORT, PORT_INFO),
    request("delete_port", s::DELETE_PORT, PORT_INFO),
    request("get_port_info", s::GET_PORT_INFO, PORT_INFO),
    request("set_port_info", s::SET_PORT_INFO, PORT_INFO),
    request("subscribe_port", s::SUBSCRIBE_PORT, SUBSCRIBE),
    request("unsubscribe_port", s::UNSUBSCRIBE_PORT, SUBSCRIBE),
    request("create_queue", s::CREATE_QUEUE, QUEUE_INFO),
    request("delete_queue", s::DELETE_QUEUE, QUEUE_INFO),
    request("get_queue_info", s::GET_QUEUE_INFO, QUEUE_INFO),
    request("set_queue_info", s::SET_QUEUE_INFO, QUEUE_INFO),
    request("get_named_queue", s::GET_NAMED_QUEUE, QUEUE_INFO),
    request("get_queue_status", s::GET_QUEUE_STATUS, QUEUE_STATUS),
    request("get_queue_tempo", s::GET_QUEUE_TEMPO, QUEUE_TEMPO),
    request("set_queue_tempo", s::SET_QUEUE_TEMPO, QUEUE_TEMPO),
    request("get_queue_timer", s::GET_QUEUE_TIMER, QUEUE_TIMER),
    request("set_queue_timer", s::SET_QUEUE_TIMER, QUEUE_TIMER),
    request("get_queue_client", s::GET_QUEUE_CLIENT, QUEUE_CLIENT),
    request("set_queue_client", s::SET_QUEUE_CLIENT, QUEUE_CLIENT),
    request("get_client_pool", s::GET_CLIENT_POOL, CLIENT_POOL),
    request("set_client_pool", s::SET_CLIENT_POOL, CLIENT_POOL),
    request("remove_events", s::REMOVE_EVENTS, REMOVE),
    request("query_subs", s::QUERY_SUBS, QUERY_SUBS),
    request("get_subscription", s::GET_SUBSCRIPTION, SUBSCRIBE),
    request("query_next_client", s::QUERY_NEXT_CLIENT, CLIENT_INFO),
    request("query_next_port", s::QUERY_NEXT_PORT, PORT_INFO),
    request("t_pversion", t::PVERSION, &[field("version", 0, U32)]),
    request("t_next_device", t::NEXT_DEVICE, TIMER_ID),
    request("t_tread", t::TREAD_OLD, &[field("on", 0, I32)]),
    request("t_tread64", t::TREAD64, &[field("on", 0, I32)]),
    request("t_ginfo", t::GINFO, TIMER_GINFO),
    request("t_gparams", t::GPARAMS, TIMER_GPARAMS),
    request("t_gstatus", t::GSTATUS, TIMER_GSTATUS),
    request("t_select", t::SELECT, TIMER_ID),
    request("t_info", t::INFO, TIMER_INFO),
    request("t_params", t::PARAMS, TIMER_PARAMS),
    request("t_status", t::STATUS, TIMER_STATUS),
    request("t_status32", old::STATUS, TIMER_STATUS32),
    request("t_start", t::START, &[]),
    request("t_stop", t::STOP, &[]),
    request("t_continue", t::CONTINUE, &[]),
    request("t_pause", t::PAUSE, &[]),
    request("t_create", t::CREATE, TIMER_CREATE),
    request("t_trigger", t::TRIGGER, &[]),
    request("t_start_old", old::START, &[]),
    request("t_continue_old", old::CONTINUE, &[]),
    request("t_pause_old", old::PAUSE, &[]),
];

/// Returns the request of a name.
pub(crate) fn request_named(name: &str) -> Option<&'static Request> {
    REQUESTS.iter().find(|request| request.name == name)
}

/// An event record. The last names are views of the same data bytes.
pub(crate) const EVENT: &[Field] = &[
    field("type", 0, U8),
    field("flags", 1, U8),
    field("tag", 2, U8),
    field("queue", 3, Q8),
    field("tick", 4, U32),
    field("nsec", 8, U32),
    field("source", 12, C8),
    field("source_port", 13, U8),
    field("dest", 14, C8),
    field("dest_port", 15, U8),
    field("data", 16, Kind::Bytes(12)),
    field("len", 16, U32),
    field("pointer", 20, U64),
    field("channel", 16, U8),
    field("note", 17, U8),
    field("velocity", 18, U8),
    field("off_velocity", 19, U8),
    field("duration", 20, U32),
    field("control", 16, Q8),
    field("value", 20, U32),
    field("value2", 24, U32),
    field("about", 16, C8),
    field("about_port", 17, U8),
    field("peer", 18, C8),
    field("peer_port", 19, U8),
    // The words of a UMP packet. A record that has the first one is 32 bytes.
    field("w0", 16, U32),
    field("w1", 20, U32),
    field("w2", 24, U32),
    field("w3", 28, U32),
];

/// Arguments that are not fields of a struct.
pub(crate) const OTHER_ARGUMENTS: &[&str] =
    &["as", "access", "len", "cut", "body", "bytes", "times", "ms", "queue", "code"];

/// Returns the one copy of a field's or argument's name.
pub(crate) fn intern(name: &str) -> Option<&'static str> {
    let fields = REQUESTS.iter().flat_map(|request| request.fields).chain(EVENT);
    let mut names = fields.map(|field| field.name).chain(OTHER_ARGUMENTS.iter().copied());
    names.find(|known| *known == name)
}
