//! The structs of the sequencer's requests.

use crate::names as n;
use crate::types::short::{C8, C32, I32, LONG_NAME, NAME, Q8, Q32, U8, U16, U32, U64};
use crate::types::{Field, Kind, Meaning, fields};
use aseqd_abi::seq::{
    ClientInfo, ClientPool, PortInfo, PortInfo32, PortSubscribe, QuerySubs, QueueClient, QueueInfo,
    QueueStatus, QueueTempo, QueueTimer, RemoveEvents, RunningInfo, SystemInfo,
};
use aseqd_abi::ump::{ClientUmpInfo, UmpBlockInfo, UmpEndpointInfo};

pub(crate) const VERSION: &[Field] =
    &[Field { name: "version", offset: 0, kind: U32, meaning: n::VERSION }];
pub(crate) const CLIENT_ID: &[Field] =
    &[Field { name: "client", offset: 0, kind: C32, meaning: Meaning::Any }];

pub(crate) const CLIENT_INFO: &[Field] = fields! {
    ClientInfo;
    "client" = client: C32;
    "type" = client_type: I32, n::CLIENT_TYPE;
    "name" = name: NAME;
    "filter" = filter: U32, n::CLIENT_FILTER;
    "multicast_filter" = multicast_filter: Kind::Bytes(8);
    "event_filter" = event_filter: Kind::Bytes(32);
    "num_ports" = num_ports: I32, Meaning::Range(0, 254);
    "event_lost" = event_lost: I32;
    "card" = card: I32;
    "pid" = pid: Kind::Process;
    "midi_version" = midi_version: U32, n::MIDI_VERSION;
    "group_filter" = group_filter: U32, Meaning::Range(0, 0x1_ffff);
};

pub(crate) const PORT_INFO: &[Field] = fields! {
    PortInfo;
    "client" = addr.client: C8;
    "port" = addr.port: U8, Meaning::Port;
    "name" = name: NAME;
    "capability" = capability: U32, n::PORT_CAPS;
    "type" = port_type: U32, n::PORT_TYPE;
    "midi_channels" = midi_channels: I32, Meaning::Range(0, 16);
    "midi_voices" = midi_voices: I32;
    "synth_voices" = synth_voices: I32;
    "read_use" = read_use: I32;
    "write_use" = write_use: I32;
    "kernel" = kernel: U64, Meaning::Range(0, 0);
    "flags" = flags: U32, n::PORT_FLAGS;
    "time_queue" = time_queue: Q8;
    "direction" = direction: U8, n::DIRECTION;
    "ump_group" = ump_group: U8, Meaning::Range(0, 16);
};

pub(crate) const PORT_INFO32: &[Field] = fields! {
    PortInfo32;
    "client" = addr.client: C8;
    "port" = addr.port: U8, Meaning::Port;
    "name" = name: NAME;
    "capability" = capability: U32, n::PORT_CAPS;
    "type" = port_type: U32, n::PORT_TYPE;
    "midi_channels" = midi_channels: I32, Meaning::Range(0, 16);
    "midi_voices" = midi_voices: I32;
    "synth_voices" = synth_voices: I32;
    "read_use" = read_use: I32;
    "write_use" = write_use: I32;
    "kernel" = kernel: U32;
    "flags" = flags: U32, n::PORT_FLAGS;
    "time_queue" = time_queue: Q8;
    "time_queue_again" = time_queue_again: Q8;
    "direction" = direction: U8, n::DIRECTION;
    "ump_group" = ump_group: U8, Meaning::Range(0, 16);
};

pub(crate) const SUBSCRIBE: &[Field] = fields! {
    PortSubscribe;
    "sender" = sender.client: C8;
    "sender_port" = sender.port: U8, Meaning::Port;
    "dest" = dest.client: C8;
    "dest_port" = dest.port: U8, Meaning::Port;
    "voices" = voices: U32;
    "flags" = flags: U32, n::SUBSCRIPTION;
    "queue" = queue: Q8;
};

pub(crate) const QUEUE_INFO: &[Field] = fields! {
    QueueInfo;
    "queue" = queue: Q32;
    "owner" = owner: C32;
    "locked" = locked: U8, Meaning::Range(0, 1);
    "name" = name: NAME;
    "flags" = flags: U32, n::QUEUE_FLAGS;
};

pub(crate) const QUEUE_STATUS: &[Field] = fields! {
    QueueStatus;
    "queue" = queue: Q32;
    "events" = events: I32;
    "tick" = tick: U32;
    "sec" = time.tv_sec: U32;
    "nsec" = time.tv_nsec: U32;
    "running" = running: I32;
    "flags" = flags: I32;
};

pub(crate) const QUEUE_TEMPO: &[Field] = fields! {
    QueueTempo;
    "queue" = queue: Q32;
    "tempo" = tempo: U32, Meaning::Range(1, 16_777_215);
    "ppq" = ppq: I32, Meaning::Range(1, 9600);
    "skew_value" = skew_value: U32, Meaning::Range(0, 0x2_0000);
    "skew_base" = skew_base: U32, n::SKEW_BASE;
    "tempo_base" = tempo_base: U16, n::TEMPO_BASE;
};

pub(crate) const QUEUE_TIMER: &[Field] = fields! {
    QueueTimer;
    "queue" = queue: Q32;
    "type" = timer_type: I32, n::QUEUE_TIMER;
    "class" = id.dev_class: I32, n::TIMER_CLASS;
    "sclass" = id.dev_sclass: I32, n::TIMER_SCLASS;
    "card" = id.card: I32, Meaning::Range(-1, 1);
    // A slave's device may be the number of a process.
    "device" = id.device: Kind::Process, n::TIMER_DEVICE;
    "subdevice" = id.subdevice: I32, Meaning::Range(0, 3);
    "resolution" = resolution: U32, Meaning::Range(0, 6250);
};

pub(crate) const QUEUE_CLIENT: &[Field] = fields! {
    QueueClient;
    "queue" = queue: Q32;
    "client" = client: C32;
    "used" = used: I32, Meaning::Range(-1, 1);
};

pub(crate) const CLIENT_POOL: &[Field] = fields! {
    ClientPool;
    "client" = client: C32;
    "output_pool" = output_pool: I32, Meaning::Range(0, 2000);
    "input_pool" = input_pool: I32, Meaning::Range(0, 2000);
    "output_room" = output_room: I32, Meaning::Range(0, 2000);
    "output_free" = output_free: I32;
    "input_free" = input_free: I32;
};

pub(crate) const REMOVE: &[Field] = fields! {
    RemoveEvents;
    "mode" = remove_mode: U32, n::REMOVE_MODE;
    "tick" = time.tick_or_sec: U32;
    "nsec" = time.nsec: U32;
    "queue" = queue: Q8;
    "dest" = dest.client: C8;
    "dest_port" = dest.port: U8, Meaning::Port;
    "channel" = channel: U8, Meaning::Range(0, 15);
    "type" = event_type: I32, n::EVENT_TYPE;
    "tag" = tag: U8;
};

pub(crate) const QUERY_SUBS: &[Field] = fields! {
    QuerySubs;
    "root" = root.client: C8;
    "root_port" = root.port: U8, Meaning::Port;
    "type" = query_type: I32, n::QUERY;
    "index" = index: I32, Meaning::Range(0, 8);
    "num_subs" = num_subs: I32;
    "addr" = addr.client: C8;
    "addr_port" = addr.port: U8, Meaning::Port;
    "queue" = queue: Q8;
    "flags" = flags: U32, n::SUBSCRIPTION;
};

pub(crate) const SYSTEM_INFO: &[Field] = fields! {
    SystemInfo;
    "queues" = queues: I32;
    "clients" = clients: I32;
    "ports" = ports: I32;
    "channels" = channels: I32;
    "cur_clients" = cur_clients: I32;
    "cur_queues" = cur_queues: I32;
};

pub(crate) const RUNNING_INFO: &[Field] = fields! {
    RunningInfo;
    "client" = client: C8;
    "big_endian" = big_endian: U8;
    "cpu_mode" = cpu_mode: U8;
};

const INFO: usize = core::mem::offset_of!(ClientUmpInfo, info);

pub(crate) const UMP_INFO: &[Field] = fields! {
    ClientUmpInfo;
    "client" = client: C32;
    "type" = info_type: I32, n::UMP_INFO;
};

/// The struct of the same requests with an endpoint in it.
pub(crate) const UMP_ENDPOINT: &[Field] = &join::<15>(
    UMP_INFO,
    fields! {
        UmpEndpointInfo;
        "card" = card: I32;
        "device" = device: I32;
        "flags" = flags: U32, n::UMP_ENDPOINT;
        "protocol_caps" = protocol_caps: U32, n::UMP_PROTOCOL;
        "protocol" = protocol: U32, n::UMP_PROTOCOL;
        "num_blocks" = num_blocks: U32, Meaning::Range(0, 32);
        "version" = version: U16;
        "family_id" = family_id: U16;
        "model_id" = model_id: U16;
        "manufacturer_id" = manufacturer_id: U32;
        "sw_revision" = sw_revision: U32;
        "name" = name: LONG_NAME;
        "product_id" = product_id: LONG_NAME;
    },
);

/// The struct of the same requests with a block in it.
pub(crate) const UMP_BLOCK: &[Field] = &join::<14>(
    UMP_INFO,
    fields! {
        UmpBlockInfo;
        "card" = card: I32;
        "device" = device: I32;
        "block_id" = block_id: U8, Meaning::Range(0, 31);
        "direction" = direction: U8, n::DIRECTION;
        "active" = active: U8, Meaning::Range(0, 1);
        "first_group" = first_group: U8, Meaning::Range(0, 15);
        "num_groups" = num_groups: U8, Meaning::Range(1, 16);
        "midi_ci_version" = midi_ci_version: U8;
        "sysex8_streams" = sysex8_streams: U8;
        "ui_hint" = ui_hint: U8, Meaning::Range(0, 3);
        "flags" = flags: U32, n::UMP_BLOCK;
        "name" = name: LONG_NAME;
    },
);

/// Returns the fields of an envelope and of what is in it: `ALL` in number.
const fn join<const ALL: usize>(head: &[Field], body: &[Field]) -> [Field; ALL] {
    assert!(head.len() + body.len() == ALL);
    let mut all = [head[0]; ALL];
    let mut index = 0;
    while index < ALL {
        all[index] = if index < head.len() {
            head[index]
        } else {
            let field = body[index - head.len()];
            Field { offset: field.offset + INFO, ..field }
        };
        index += 1;
    }
    all
}
