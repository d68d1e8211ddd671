//! The parts that all reports are made of: frames, traces, the line about processor and task.

use std::fmt;

/// One function of a stack, or a line of code whose function is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The function's name; empty if it is not known.
    pub function: String,
    /// The offset in the function and the function's length, in bytes. An inlined function has none.
    pub offset: Option<(u64, u64)>,
    /// The source file and line.
    pub location: Option<(String, u32)>,
    /// The module or program that the function belongs to, where that is not obvious.
    pub module: Option<String>,
}

impl Frame {
    /// Makes a frame of a function and an offset in it.
    #[must_use]
    pub fn new(function: impl Into<String>, offset: u64, size: u64) -> Self {
        Self { function: function.into(), offset: Some((offset, size)), ..Self::default() }
    }

    /// Makes a frame of a function that was inlined into the next frame.
    #[must_use]
    pub fn inline(function: impl Into<String>, file: impl Into<String>, line: u32) -> Self {
        Self { function: function.into(), ..Self::default() }.at(file, line)
    }

    /// Adds a source line.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: u32) -> Self {
        self.location = Some((file.into(), line));
        self
    }

    /// Adds a module.
    #[must_use]
    pub fn of(mut self, module: impl Into<String>) -> Self {
        self.module = Some(module.into());
        self
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.function.is_empty()
            && let Some((file, line)) = &self.location
        {
            return write!(f, "{file}:{line}");
        }
        f.write_str(&self.function)?;
        if let Some((offset, size)) = self.offset {
            write!(f, "+{offset:#x}/{size:#x}")?;
        }
        if let Some(module) = &self.module {
            write!(f, " [{module}]")?;
        }
        if let Some((file, line)) = &self.location {
            write!(f, " {file}:{line}")?;
        }
        if self.offset.is_none() {
            f.write_str(" [inline]")?;
        }
        Ok(())
    }
}

/// A stack, innermost frame first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trace(pub Vec<Frame>);

impl Trace {
    /// Prints one line per frame, each after `indent`.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        self.0.iter().try_for_each(|frame| writeln!(f, "{indent}{frame}"))
    }

    /// Prints the trace of a task, with its marks.
    pub(super) fn write_call_trace(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call Trace:\n <TASK>\n")?;
        self.write(f, " ")?;
        f.write_str(" </TASK>\n")
    }

    /// Groups the frames by address: the inlined functions at one address, then the function itself.
    pub(super) fn first_address(&self) -> &[Frame] {
        let end = self.0.iter().position(|frame| frame.offset.is_some());
        &self.0[..end.map_or(self.0.len(), |last| last + 1)]
    }
}

impl From<Vec<Frame>> for Trace {
    fn from(frames: Vec<Frame>) -> Self {
        Self(frames)
    }
}

/// The task that a report is about, and where it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of the processor.
    pub cpu: u32,
    /// The user ID, if it is known.
    pub uid: Option<u32>,
    /// The task's process ID.
    pub pid: u32,
    /// The task's name.
    pub comm: String,
    /// Whether an earlier report was printed: `W` of the taint flags.
    pub tainted: bool,
    /// The text in place of the kernel's release and build, as in `6.12.0 #1`.
    pub release: String,
    /// The name of the machine.
    pub hardware: Option<String>,
    /// The queue and the function of the work item that ran.
    pub work: Option<(String, String)>,
}

impl Origin {
    /// Makes an origin of which only the task is known.
    #[must_use]
    pub fn new(comm: impl Into<String>, pid: u32) -> Self {
        Self { comm: comm.into(), pid, ..Self::default() }
    }

    /// Returns `name/pid`, as the kernel joins them.
    #[must_use]
    pub fn task(&self) -> String {
        format!("{}/{}", self.comm, self.pid)
    }

    /// Returns the taint flags as they are printed.
    #[must_use]
    pub fn taint(&self) -> &'static str {
        if self.tainted { "Tainted: G        W         " } else { "Not tainted" }
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            cpu: 0,
            uid: None,
            pid: 0,
            comm: "swapper".to_owned(),
            tainted: false,
            release: concat!("report-", env!("CARGO_PKG_VERSION"), " #0").to_owned(),
            hardware: None,
            work: None,
        }
    }
}

/// Prints the lines `CPU: ...` to `Workqueue: ...`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CPU: {}", self.cpu)?;
        if let Some(uid) = self.uid {
            write!(f, " UID: {uid}")?;
        }
        writeln!(f, " PID: {} Comm: {} {} {}", self.pid, self.comm, self.taint(), self.release)?;
        if self.tainted {
            f.write_str("Tainted: [W]=WARN\n")?;
        }
        if let Some(hardware) = &self.hardware {
            writeln!(f, "Hardware name: {hardware}")?;
        }
        if let Some((queue, work)) = &self.work {
            writeln!(f, "Workqueue: {queue} {work}")?;
        }
        Ok(())
    }
}

/// The interrupt contexts of a task, printed as `[HC0[0]:SC0[0]:HE1:SE1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// The depth of hard interrupts, by lockdep's count and by the preempt count.
    pub hardirq: (u32, u32),
    /// The depth of soft interrupts, by lockdep's count and by the preempt count.
    pub softirq: (u32, u32),
    /// Whether hard interrupts are enabled.
    pub hardirqs_on: bool,
    /// Whether soft interrupts are enabled.
    pub softirqs_on: bool,
}

impl fmt::Display for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hard, hard_count) = self.hardirq;
        let (soft, soft_count) = self.softirq;
        let (on, soft_on) = (u8::from(self.hardirqs_on), u8::from(self.softirqs_on));
        write!(f, "[HC{hard}[{hard_count}]:SC{soft}[{soft_count}]:HE{on}:SE{soft_on}]")
    }
}
