//! Which fields the data of an event has, by its type.

use aseqd_abi::EventType;

/// The layout of an event's data: which view of its 12 bytes has the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `velocity` is what the field of that name means; `whole` if there is a duration.
    Note {
        velocity: &'static str,
        whole: bool,
    },
    Control,
    /// A control event of which only the value counts.
    Value,
    Queue,
    Address,
    /// A client, and the number of one of its UMP blocks.
    Block,
    Connect,
    Result,
    Nothing,
    /// No fields that the kernel defines.
    Raw,
}

/// Returns the layout of a type's data.
pub(super) fn layout(event_type: EventType) -> Layout {
    match event_type {
        EventType::NOTE => Layout::Note { velocity: "velocity", whole: true },
        EventType::NOTEON | EventType::NOTEOFF => {
            Layout::Note { velocity: "velocity", whole: false }
        }
        EventType::KEYPRESS => Layout::Note { velocity: "pressure", whole: false },
        EventType::CONTROLLER
        | EventType::CONTROL14
        | EventType::NONREGPARAM
        | EventType::REGPARAM => Layout::Control,
        EventType::PGMCHANGE
        | EventType::CHANPRESS
        | EventType::PITCHBEND
        | EventType::SONGPOS
        | EventType::SONGSEL
        | EventType::QFRAME
        | EventType::TIMESIGN
        | EventType::KEYSIGN => Layout::Value,
        EventType(30..=38) => Layout::Queue,
        EventType(60..=65) | EventType::UMP_EP_CHANGE => Layout::Address,
        EventType::UMP_BLOCK_CHANGE => Layout::Block,
        EventType::PORT_SUBSCRIBED | EventType::PORT_UNSUBSCRIBED => Layout::Connect,
        EventType::SYSTEM | EventType::RESULT => Layout::Result,
        EventType::TUNE_REQUEST | EventType::RESET | EventType::SENSING => Layout::Nothing,
        _ => Layout::Raw,
    }
}

/// Returns whether events of a type have a channel.
pub(super) fn has_channel(event_type: EventType) -> bool {
    let of_layout = matches!(layout(event_type), Layout::Note { .. } | Layout::Control);
    of_layout || event_type.is_channel()
}

/// Returns whether an announcement is about a client, rather than about a port.
pub(super) fn is_client(event_type: EventType) -> bool {
    let types = [
        EventType::CLIENT_START,
        EventType::CLIENT_EXIT,
        EventType::CLIENT_CHANGE,
        EventType::UMP_EP_CHANGE,
    ];
    types.contains(&event_type)
}

/// Returns whether a control event of a queue has two values: seconds and nanoseconds, or a skew and its base.
pub(super) fn has_second_value(event_type: EventType) -> bool {
    matches!(event_type, EventType::SETPOS_TIME | EventType::QUEUE_SKEW)
}
