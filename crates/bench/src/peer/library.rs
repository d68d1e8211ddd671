//! Libraries of peers, loaded if they are installed.
#![expect(unsafe_code, reason = "calls functions of libraries that are loaded at run time")]

use libloading::{Library, Symbol};
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulong, c_void};
use std::ptr::NonNull;
use std::sync::mpsc::{Receiver, SyncSender};

type Opaque = NonNull<c_void>;

/// Loads a library by its file name. It stays loaded, because its threads may run to the end of the process.
fn load(name: &str) -> Result<&'static Library, String> {
    // SAFETY: constructors of the libraries named below require nothing.
    let library = unsafe { Library::new(name) };
    match library {
        Ok(library) => Ok(Box::leak(Box::new(library))),
        Err(_) => Err(format!("{name} is not installed")),
    }
}

/// Finds a function of a library.
///
/// # Safety
///
/// `T` must be the function's type in the library's header.
unsafe fn function<'a, T>(library: &'a Library, name: &CStr) -> Result<Symbol<'a, T>, String> {
    // SAFETY: the caller promises that `T` is the type.
    let found = unsafe { library.get(name.to_bytes_with_nul()) };
    found.map_err(|error| error.to_string())
}

fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// A MIDI port of sndio (`sndio.h`).
#[derive(Debug)]
pub(crate) struct Sndio {
    library: &'static Library,
    handle: Opaque,
}

impl Sndio {
    /// Opens a port for writing or for reading.
    pub(crate) fn open(port: &str, write: bool) -> Result<Self, String> {
        type Open = unsafe extern "C" fn(*const c_char, c_uint, c_int) -> *mut c_void;
        let library = load("libsndio.so.7").or_else(|_| load("libsndio.so.7.0"))?;
        // MIO_OUT is 4, MIO_IN is 8.
        let mode = if write { 4 } else { 8 };
        let name = c_string(port);
        // SAFETY: struct mio_hdl *mio_open(const char *, unsigned int, int)
        let open = unsafe { function::<Open>(library, c"mio_open") }?;
        // SAFETY: the name is a C string that lives through the call.
        let handle = unsafe { open(name.as_ptr(), mode, 0) };
        let handle = NonNull::new(handle).ok_or_else(|| format!("sndio cannot open {port}"))?;
        Ok(Self { library, handle })
    }

    /// Writes all bytes, and sleeps until they are written.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), String> {
        type Write = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> usize;
        // SAFETY: size_t mio_write(struct mio_hdl *, const void *, size_t)
        let write = unsafe { function::<Write>(self.library, c"mio_write") }?;
        // SAFETY: the handle is open, the bytes live through the call.
        let written = unsafe { write(self.handle.as_ptr(), bytes.as_ptr().cast(), bytes.len()) };
        match written == bytes.len() {
            true => Ok(()),
            false => Err("sndio did not take all bytes".to_owned()),
        }
    }

    /// Sleeps until there is something to read, and returns how many bytes were read.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, String> {
        type Read = unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> usize;
        // SAFETY: size_t mio_read(struct mio_hdl *, void *, size_t)
        let read = unsafe { function::<Read>(self.library, c"mio_read") }?;
        let (to, len) = (buffer.as_mut_ptr().cast(), buffer.len());
        // SAFETY: the handle is open, the buffer has room for what is asked for.
        match unsafe { read(self.handle.as_ptr(), to, len) } {
            0 => Err("sndiod is gone".to_owned()),
            read => Ok(read.min(len)),
        }
    }
}

/// A socket of ZeroMQ (`zmq.h`).
#[derive(Debug)]
pub(crate) struct ZeroMq {
    library: &'static Library,
    socket: Opaque,
}

impl ZeroMq {
    /// Opens a PUSH socket connected to an endpoint, or a PULL socket bound to it.
    pub(crate) fn open(endpoint: &str, push: bool) -> Result<Self, String> {
        type New = unsafe extern "C" fn() -> *mut c_void;
        type Socket = unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void;
        type Attach = unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int;
        let library = load("libzmq.so.5")?;
        // SAFETY: void *zmq_ctx_new(void)
        let new = unsafe { function::<New>(library, c"zmq_ctx_new") }?;
        // SAFETY: the function has no requirements.
        let context = unsafe { new() };
        let context = NonNull::new(context).ok_or("ZeroMQ cannot create a context")?;
        // ZMQ_PULL is 7, ZMQ_PUSH is 8.
        let (kind, attach) = if push { (8, c"zmq_connect") } else { (7, c"zmq_bind") };
        // SAFETY: void *zmq_socket(void *, int)
        let open = unsafe { function::<Socket>(library, c"zmq_socket") }?;
        // SAFETY: the context was just made.
        let socket = unsafe { open(context.as_ptr(), kind) };
        let socket = NonNull::new(socket).ok_or("ZeroMQ cannot create a socket")?;
        // SAFETY: int zmq_connect(void *, const char *), int zmq_bind(void *, const char *)
        let attach = unsafe { function::<Attach>(library, attach) }?;
        let name = c_string(endpoint);
        // SAFETY: the socket was just made, the name is a C string that lives through the call.
        let attached = unsafe { attach(socket.as_ptr(), name.as_ptr()) };
        if attached != 0 {
            return Err(format!("ZeroMQ cannot open {endpoint}"));
        }
        Ok(Self { library, socket })
    }

    /// Sends one message, and sleeps while there is no room.
    pub(crate) fn send(&self, message: &[u8]) -> Result<(), String> {
        type Send = unsafe extern "C" fn(*mut c_void, *const c_void, usize, c_int) -> c_int;
        // SAFETY: int zmq_send(void *, const void *, size_t, int)
        let send = unsafe { function::<Send>(self.library, c"zmq_send") }?;
        let (from, len) = (message.as_ptr().cast(), message.len());
        // SAFETY: the socket is open, the bytes live through the call.
        match unsafe { send(self.socket.as_ptr(), from, len, 0) } {
            -1 => Err("ZeroMQ cannot send".to_owned()),
            _ => Ok(()),
        }
    }

    /// Sleeps until there is a message, and returns how many bytes of it are in the buffer.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<usize, String> {
        type Receive = unsafe extern "C" fn(*mut c_void, *mut c_void, usize, c_int) -> c_int;
        // SAFETY: int zmq_recv(void *, void *, size_t, int)
        let receive = unsafe { function::<Receive>(self.library, c"zmq_recv") }?;
        let (to, len) = (buffer.as_mut_ptr().cast(), buffer.len());
        // SAFETY: the socket is open, the buffer has room for what is asked for.
        let received = unsafe { receive(self.socket.as_ptr(), to, len, 0) };
        let received = usize::try_from(received).map_err(|_| "ZeroMQ cannot receive")?;
        Ok(received.min(len))
    }
}

/// A client of JACK with one MIDI port (`jack/jack.h`, `jack/midiport.h`).
#[derive(Debug)]
pub(crate) struct Jack {
    library: &'static Library,
    client: Opaque,
}

/// What a JACK client does in each period.
#[derive(Debug)]
pub(crate) enum Period {
    /// Sends messages of the channel until the period is full.
    Send(Receiver<[u8; 3]>),
    /// Passes on the bytes that arrived.
    Receive(SyncSender<Vec<u8>>),
}

/// What the process callback needs. All functions are looked up before the first period.
struct Callback {
    period: Period,
    port: *mut c_void,
    /// The message that did not fit into the last period.
    pending: Option<[u8; 3]>,
    buffer: unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void,
    clear: unsafe extern "C" fn(*mut c_void),
    write: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize) -> c_int,
    count: unsafe extern "C" fn(*mut c_void) -> u32,
    event: unsafe extern "C" fn(*mut MidiEvent, *mut c_void, u32) -> c_int,
}

/// `jack_midi_event_t`
#[repr(C)]
struct MidiEvent {
    time: u32,
    size: usize,
    buffer: *mut u8,
}

impl Jack {
    /// Opens a client whose port `midi` is connected to `to`, if that is given. `JACK_DEFAULT_SERVER` names the server;
    /// none is started.
    pub(crate) fn open(name: &str, period: Period, to: Option<&str>) -> Result<Self, String> {
        type Open = unsafe extern "C" fn(*const c_char, c_int, *mut c_int, ...) -> *mut c_void;
        type Register = unsafe extern "C" fn(
            *mut c_void,
            *const c_char,
            *const c_char,
            c_ulong,
            c_ulong,
        ) -> *mut c_void;
        type Function = unsafe extern "C" fn(u32, *mut c_void) -> c_int;
        type SetProcess = unsafe extern "C" fn(*mut c_void, Function, *mut c_void) -> c_int;
        type Activate = unsafe extern "C" fn(*mut c_void) -> c_int;
        type Connect = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> c_int;
        let library = load("libjack.so.0")?;
        let client_name = c_string(name);
        let mut status = 0;
        // SAFETY: jack_client_t *jack_client_open(const char *, jack_options_t, jack_status_t *, ...)
        let open = unsafe { function::<Open>(library, c"jack_client_open") }?;
        // JackNoStartServer is 1.
        // SAFETY: the name is a C string, the status has room; the option needs no more arguments.
        let client = unsafe { open(client_name.as_ptr(), 1, &raw mut status) };
        let client = NonNull::new(client).ok_or_else(|| format!("no JACK server ({status:#x})"))?;
        // JackPortIsInput is 1, JackPortIsOutput is 2.
        let flags = if matches!(period, Period::Send(_)) { 2 } else { 1 };
        // SAFETY: jack_port_t *jack_port_register(jack_client_t *, const char *, const char *,
        // unsigned long, unsigned long)
        let register = unsafe { function::<Register>(library, c"jack_port_register") }?;
        let kind = c"8 bit raw midi".as_ptr();
        // SAFETY: the client is open, both names are C strings.
        let port = unsafe { register(client.as_ptr(), c"midi".as_ptr(), kind, flags, 0) };
        if port.is_null() {
            return Err("JACK cannot create a port".to_owned());
        }
        let callback = Box::new(Callback {
            period,
            port,
            pending: None,
            // SAFETY: void *jack_port_get_buffer(jack_port_t *, jack_nframes_t)
            buffer: *unsafe { function(library, c"jack_port_get_buffer") }?,
            // SAFETY: void jack_midi_clear_buffer(void *)
            clear: *unsafe { function(library, c"jack_midi_clear_buffer") }?,
            // SAFETY: int jack_midi_event_write(void *, jack_nframes_t, const jack_midi_data_t *, size_t)
            write: *unsafe { function(library, c"jack_midi_event_write") }?,
            // SAFETY: uint32_t jack_midi_get_event_count(void *)
            count: *unsafe { function(library, c"jack_midi_get_event_count") }?,
            // SAFETY: int jack_midi_event_get(jack_midi_event_t *, void *, uint32_t)
            event: *unsafe { function(library, c"jack_midi_event_get") }?,
        });
        // SAFETY: int jack_set_process_callback(jack_client_t *, JackProcessCallback, void *)
        let set = unsafe { function::<SetProcess>(library, c"jack_set_process_callback") }?;
        // Never freed: the callback may run until the client is closed.
        let argument = Box::into_raw(callback).cast();
        // SAFETY: the callback takes what it is given here, which is never freed.
        let refused = unsafe { set(client.as_ptr(), in_period, argument) };
        // SAFETY: int jack_activate(jack_client_t *)
        let activate = unsafe { function::<Activate>(library, c"jack_activate") }?;
        // SAFETY: the client is open.
        if refused != 0 || unsafe { activate(client.as_ptr()) } != 0 {
            return Err("JACK cannot activate the client".to_owned());
        }
        if let Some(to) = to {
            // SAFETY: int jack_connect(jack_client_t *, const char *, const char *)
            let connect = unsafe { function::<Connect>(library, c"jack_connect") }?;
            let (from, to) = (c_string(&format!("{name}:midi")), c_string(to));
            // SAFETY: the client is open, both names are C strings that live through the call.
            if unsafe { connect(client.as_ptr(), from.as_ptr(), to.as_ptr()) } != 0 {
                return Err("JACK cannot connect the ports".to_owned());
            }
        }
        Ok(Self { library, client })
    }
}

impl Drop for Jack {
    fn drop(&mut self) {
        type Close = unsafe extern "C" fn(*mut c_void) -> c_int;
        // SAFETY: int jack_client_close(jack_client_t *)
        if let Ok(close) = unsafe { function::<Close>(self.library, c"jack_client_close") } {
            // SAFETY: the client is open, and not used behind this.
            let _closed = unsafe { close(self.client.as_ptr()) };
        }
    }
}

/// Handles one period, in a thread of JACK.
unsafe extern "C" fn in_period(frames: u32, argument: *mut c_void) -> c_int {
    // SAFETY: JACK hands back what it was given, and runs one period at a time.
    let callback = unsafe { &mut *argument.cast::<Callback>() };
    // SAFETY: the port is registered.
    let buffer = unsafe { (callback.buffer)(callback.port, frames) };
    match &callback.period {
        Period::Send(messages) => {
            // SAFETY: the buffer is that of an output port, in its period.
            unsafe { (callback.clear)(buffer) };
            while let Some(message) = callback.pending.take().or_else(|| messages.try_recv().ok()) {
                // SAFETY: the buffer is as above, the bytes live through the call.
                let full = unsafe { (callback.write)(buffer, 0, message.as_ptr(), message.len()) };
                if full != 0 {
                    callback.pending = Some(message);
                    break;
                }
            }
        }
        Period::Receive(arrived) => {
            // SAFETY: the buffer is that of an input port, in its period.
            let count = unsafe { (callback.count)(buffer) };
            let mut all = Vec::with_capacity(count as usize * 3);
            for index in 0..count {
                let mut event = MidiEvent { time: 0, size: 0, buffer: std::ptr::null_mut() };
                // SAFETY: the event has room, the buffer is as above, the index is below its count.
                let missing = unsafe { (callback.event)(&raw mut event, buffer, index) };
                if missing == 0 && !event.buffer.is_null() {
                    // SAFETY: JACK has filled in a pointer to that many bytes, valid in this period.
                    all.extend_from_slice(unsafe {
                        std::slice::from_raw_parts(event.buffer, event.size)
                    });
                }
            }
            if !all.is_empty() {
                // If nobody receives, the program is about to end.
                let _ended = arrived.try_send(all);
            }
        }
    }
    0
}
