//! The table of requests of both devices.

use crate::types::{Caller, Device, Field, Request, Resource};
use crate::{sequencer as seq, timer as tim};
use aseqd_abi::ioctl::{
    sequencer as s, sequencer32 as s32, timers as t, timers_old as old, timers32 as t32,
};

type Reads = &'static [&'static str];

const NONE: Reads = &[];
const CLIENT: Reads = &["client"];
const QUEUE: Reads = &["queue"];
const PORT: Reads = &["client", "port"];
const ENDS: Reads = &["sender", "sender_port", "dest", "dest_port"];
const TIMER: Reads = &["class", "sclass", "card", "device", "subdevice"];
const PORT_ALL: Reads = &[
    "client",
    "port",
    "name",
    "capability",
    "type",
    "midi_channels",
    "midi_voices",
    "synth_voices",
    "kernel",
    "flags",
    "time_queue",
    "direction",
    "ump_group",
];
const CLIENT_ALL: Reads =
    &["client", "type", "name", "filter", "event_filter", "midi_version", "group_filter"];

const fn row(
    device: Device,
    name: &'static str,
    (c_name, code): (&'static str, u32),
    (of, fields): (&'static str, &'static [Field]),
    reads: Reads,
) -> Request {
    let callers = Caller::All;
    Request { name, c_name, device, callers, code, of, fields, reads, makes: None, ends: None }
}

impl Request {
    const fn callers(mut self, callers: Caller) -> Self {
        self.callers = callers;
        self
    }
    const fn makes(mut self, resource: Resource) -> Self {
        self.makes = Some(resource);
        self
    }
    const fn ends(mut self, resource: Resource) -> Self {
        self.ends = Some(resource);
        self
    }
}

macro_rules! seq {
    ($module:ident::$code:ident, $name:literal, $of:literal, $fields:expr, $reads:expr) => {
        row(Device::Sequencer, $name, (stringify!($code), $module::$code), ($of, $fields), $reads)
    };
}
macro_rules! tim {
    ($module:ident::$code:ident, $name:literal, $of:literal, $fields:expr, $reads:expr) => {
        row(Device::Timer, $name, (stringify!($code), $module::$code), ($of, $fields), $reads)
    };
}

use Caller::{Narrow, Wide};
use Resource::{Binding, Port, Queue, Subscription, UserTimer};

const CLIENT_INFO: &[Field] = seq::CLIENT_INFO;

/// Every request. Several rows may have one code: the UMP requests once for each form of their struct.
#[rustfmt::skip]
pub const REQUESTS: &[Request] = &[
    seq!(s::PVERSION, "pversion", "snd_seq_version", seq::VERSION, NONE),
    seq!(s::CLIENT_ID, "client_id", "snd_seq_client_id", seq::CLIENT_ID, NONE),
    seq!(s::SYSTEM_INFO, "system_info", "snd_seq_system_info", seq::SYSTEM_INFO, NONE),
    seq!(s::RUNNING_MODE, "running_mode", "snd_seq_running_info", seq::RUNNING_INFO, CLIENT),
    seq!(s::USER_PVERSION, "user_pversion", "snd_seq_version", seq::VERSION, &["version"]),
    seq!(s::GET_CLIENT_INFO, "get_client_info", "snd_seq_client_info", CLIENT_INFO, CLIENT),
    seq!(s::SET_CLIENT_INFO, "set_client_info", "snd_seq_client_info", CLIENT_INFO, CLIENT_ALL),
    seq!(s::GET_CLIENT_UMP_INFO, "get_client_ump_info", "snd_seq_client_ump_info", seq::UMP_INFO, &["client", "type"]),
    seq!(s::SET_CLIENT_UMP_INFO, "set_client_ump_info", "snd_seq_client_ump_info", seq::UMP_INFO, &["client", "type"]),
    seq!(s::GET_CLIENT_UMP_INFO, "get_ump_endpoint", "snd_seq_client_ump_endpoint", seq::UMP_ENDPOINT, &["client", "type"]),
    seq!(s::SET_CLIENT_UMP_INFO, "set_ump_endpoint", "snd_seq_client_ump_endpoint", seq::UMP_ENDPOINT, &["client", "type", "flags", "protocol_caps", "protocol", "num_blocks", "version", "family_id", "model_id", "manufacturer_id", "sw_revision", "name", "product_id"]),
    seq!(s::GET_CLIENT_UMP_INFO, "get_ump_block", "snd_seq_client_ump_block", seq::UMP_BLOCK, &["client", "type"]),
    seq!(s::SET_CLIENT_UMP_INFO, "set_ump_block", "snd_seq_client_ump_block", seq::UMP_BLOCK, &["client", "type", "block_id", "direction", "active", "first_group", "num_groups", "midi_ci_version", "sysex8_streams", "ui_hint", "flags", "name"]),
    seq!(s::CREATE_PORT, "create_port", "snd_seq_port_info", seq::PORT_INFO, PORT_ALL).callers(Wide).makes(Port),
    seq!(s::DELETE_PORT, "delete_port", "snd_seq_port_info", seq::PORT_INFO, PORT).callers(Wide).ends(Port),
    seq!(s::GET_PORT_INFO, "get_port_info", "snd_seq_port_info", seq::PORT_INFO, PORT).callers(Wide),
    seq!(s::SET_PORT_INFO, "set_port_info", "snd_seq_port_info", seq::PORT_INFO, PORT_ALL).callers(Wide),
    seq!(s::SUBSCRIBE_PORT, "subscribe_port", "snd_seq_port_subscribe", seq::SUBSCRIBE, &["sender", "sender_port", "dest", "dest_port", "voices", "flags", "queue"]).makes(Subscription),
    seq!(s::UNSUBSCRIBE_PORT, "unsubscribe_port", "snd_seq_port_subscribe", seq::SUBSCRIBE, ENDS).ends(Subscription),
    seq!(s::CREATE_QUEUE, "create_queue", "snd_seq_queue_info", seq::QUEUE_INFO, &["locked", "name", "flags"]).makes(Queue),
    seq!(s::DELETE_QUEUE, "delete_queue", "snd_seq_queue_info", seq::QUEUE_INFO, QUEUE).ends(Queue),
    seq!(s::GET_QUEUE_INFO, "get_queue_info", "snd_seq_queue_info", seq::QUEUE_INFO, QUEUE),
    seq!(s::SET_QUEUE_INFO, "set_queue_info", "snd_seq_queue_info", seq::QUEUE_INFO, &["queue", "owner", "locked", "name"]),
    seq!(s::GET_NAMED_QUEUE, "get_named_queue", "snd_seq_queue_info", seq::QUEUE_INFO, &["name"]),
    seq!(s::GET_QUEUE_STATUS, "get_queue_status", "snd_seq_queue_status", seq::QUEUE_STATUS, QUEUE),
    seq!(s::GET_QUEUE_TEMPO, "get_queue_tempo", "snd_seq_queue_tempo", seq::QUEUE_TEMPO, QUEUE),
    seq!(s::SET_QUEUE_TEMPO, "set_queue_tempo", "snd_seq_queue_tempo", seq::QUEUE_TEMPO, &["queue", "tempo", "ppq", "skew_value", "skew_base", "tempo_base"]),
    seq!(s::GET_QUEUE_TIMER, "get_queue_timer", "snd_seq_queue_timer", seq::QUEUE_TIMER, QUEUE),
    seq!(s::SET_QUEUE_TIMER, "set_queue_timer", "snd_seq_queue_timer", seq::QUEUE_TIMER, &["queue", "type", "class", "sclass", "card", "device", "subdevice", "resolution"]),
    seq!(s::GET_QUEUE_CLIENT, "get_queue_client", "snd_seq_queue_client", seq::QUEUE_CLIENT, QUEUE),
    seq!(s::SET_QUEUE_CLIENT, "set_queue_client", "snd_seq_queue_client", seq::QUEUE_CLIENT, &["queue", "client", "used"]),
    seq!(s::GET_CLIENT_POOL, "get_client_pool", "snd_seq_client_pool", seq::CLIENT_POOL, CLIENT),
    seq!(s::SET_CLIENT_POOL, "set_client_pool", "snd_seq_client_pool", seq::CLIENT_POOL, &["client", "output_pool", "input_pool", "output_room"]),
    seq!(s::REMOVE_EVENTS, "remove_events", "snd_seq_remove_events", seq::REMOVE, &["mode", "tick", "nsec", "queue", "dest", "dest_port", "channel", "type", "tag"]),
    seq!(s::QUERY_SUBS, "query_subs", "snd_seq_query_subs", seq::QUERY_SUBS, &["root", "root_port", "type", "index"]),
    seq!(s::GET_SUBSCRIPTION, "get_subscription", "snd_seq_port_subscribe", seq::SUBSCRIBE, ENDS),
    seq!(s::QUERY_NEXT_CLIENT, "query_next_client", "snd_seq_client_info", CLIENT_INFO, CLIENT),
    seq!(s::QUERY_NEXT_PORT, "query_next_port", "snd_seq_port_info", seq::PORT_INFO, PORT).callers(Wide),
    tim!(t::PVERSION, "t_pversion", "snd_seq_version", seq::VERSION, NONE),
    tim!(t::NEXT_DEVICE, "t_next_device", "snd_timer_id", tim::TIMER_ID, TIMER),
    tim!(t::TREAD_OLD, "t_tread", "snd_timer_on", tim::ON, &["on"]),
    tim!(t::TREAD64, "t_tread64", "snd_timer_on", tim::ON, &["on"]),
    tim!(t::GINFO, "t_ginfo", "snd_timer_ginfo", tim::GINFO, TIMER),
    tim!(t::GPARAMS, "t_gparams", "snd_timer_gparams", tim::GPARAMS, &["class", "sclass", "card", "device", "subdevice", "period_num", "period_den"]).callers(Wide),
    tim!(t::GSTATUS, "t_gstatus", "snd_timer_gstatus", tim::GSTATUS, TIMER),
    tim!(t::SELECT, "t_select", "snd_timer_select", tim::TIMER_ID, TIMER).makes(Binding),
    tim!(t::INFO, "t_info", "snd_timer_info", tim::INFO, NONE).callers(Wide),
    tim!(t::PARAMS, "t_params", "snd_timer_params", tim::PARAMS, &["flags", "ticks", "queue_size", "filter"]),
    tim!(t::STATUS, "t_status", "snd_timer_status", tim::STATUS, NONE).callers(Wide),
    tim!(old::STATUS, "t_status32", "snd_timer_status32", tim::STATUS32, NONE),
    tim!(t::START, "t_start", "", &[], NONE),
    tim!(t::STOP, "t_stop", "", &[], NONE),
    tim!(t::CONTINUE, "t_continue", "", &[], NONE),
    tim!(t::PAUSE, "t_pause", "", &[], NONE),
    tim!(t::CREATE, "t_create", "snd_timer_uinfo", tim::CREATE, &["resolution"]).makes(UserTimer),
    row(Device::UserTimer, "t_trigger", ("TRIGGER", t::TRIGGER), ("", &[]), NONE),
    tim!(old::START, "t_start_old", "", &[], NONE),
    tim!(old::CONTINUE, "t_continue_old", "", &[], NONE),
    tim!(old::PAUSE, "t_pause_old", "", &[], NONE),
    // From here on: what the fuzzers' seeds of before do not use.
    tim!(old::STOP, "t_stop_old", "", &[], NONE),
    seq!(s32::CREATE_PORT, "create_port32", "snd_seq_port_info32", seq::PORT_INFO32, PORT_ALL).callers(Narrow).makes(Port),
    seq!(s32::DELETE_PORT, "delete_port32", "snd_seq_port_info32", seq::PORT_INFO32, PORT).callers(Narrow).ends(Port),
    seq!(s32::GET_PORT_INFO, "get_port_info32", "snd_seq_port_info32", seq::PORT_INFO32, PORT).callers(Narrow),
    seq!(s32::SET_PORT_INFO, "set_port_info32", "snd_seq_port_info32", seq::PORT_INFO32, PORT_ALL).callers(Narrow),
    seq!(s32::QUERY_NEXT_PORT, "query_next_port32", "snd_seq_port_info32", seq::PORT_INFO32, PORT).callers(Narrow),
    tim!(t32::GPARAMS, "t_gparams32", "snd_timer_gparams32", tim::GPARAMS32, &["class", "sclass", "card", "device", "subdevice", "period_num", "period_den"]).callers(Narrow),
    tim!(t32::INFO, "t_info32", "snd_timer_info32", tim::INFO32, NONE).callers(Narrow),
];

/// Returns the request of a short name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Request> {
    REQUESTS.iter().find(|request| request.name == name)
}

/// Returns the first request of a code that processes of this kind have. With [`Caller::All`] any request of the code
/// will do.
#[must_use]
pub fn find(code: u32, caller: Caller) -> Option<&'static Request> {
    REQUESTS.iter().find(|request| {
        let fits = request.callers == caller || [request.callers, caller].contains(&Caller::All);
        request.code == code && fits
    })
}
