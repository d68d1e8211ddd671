//! The table of requests and events, and the names of arguments.

pub(crate) use aseqd_describe::{EVENT, Field, Kind, REQUESTS, named as request_named};

/// Arguments that are not fields of a struct.
pub(crate) const OTHER_ARGUMENTS: &[&str] = &[
    "as", "access", "len", "cut", "body", "bytes", "times", "ms", "queue", "code", "compat",
    // Threads, processes and faults: see the module `concurrent`.
    "async", "block", "process", "signal", "kill", "fail", "how", "append", "pointer", "cancel",
    "vector", "copy", // Waits, and clients of kernel type.
    "ns", "number", // A write of many equal events.
    "copies",
];

/// Returns the one copy of a field's or argument's name.
pub(crate) fn intern(name: &str) -> Option<&'static str> {
    let fields = REQUESTS.iter().flat_map(|request| request.fields).chain(EVENT);
    let mut names = fields.map(|field| field.name).chain(OTHER_ARGUMENTS.iter().copied());
    names.find(|known| *known == name)
}
