//! Compares the wire format with the installed kernel header: a C program prints sizes, offsets and numbers.

use std::fmt::Write;
use std::mem::offset_of;
use std::process::Command;

use chardev::wire;
use skip::skip;

/// One line of the probe: an expression in C, and what we say it is.
type Line = (String, u64);

/// Compares a struct, all named fields of it.
macro_rules! layout {
    ($lines:ident, $ours:ident = $theirs:literal $([$size:literal])?, { $($field:ident $(= $name:literal)?),* $(,)? }) => {
        let size = layout!(@size $theirs $(, $size)?);
        $lines.push((size, size_of::<wire::$ours>() as u64));
        $({
            let name = layout!(@name $field $(, $name)?);
            let offset = format!("offsetof(struct {}, {name})", $theirs);
            $lines.push((offset, offset_of!(wire::$ours, $field) as u64));
            let size = format!("sizeof(((struct {} *)0)->{name})", $theirs);
            $lines.push((size, size_of_field(|it: &wire::$ours| size_of_val(&it.$field)) as u64));
        })*
    };
    (@size $theirs:literal) => { format!("sizeof(struct {})", $theirs) };
    (@size $theirs:literal, $size:literal) => { $size.to_string() };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident, $name:literal) => { $name };
}

fn size_of_field<T: Default>(size: impl Fn(&T) -> usize) -> usize {
    size(&T::default())
}

macro_rules! numbers {
    ($lines:ident, $($name:ident),* $(,)?) => {
        $($lines.push((stringify!($name).to_string(), wire::$name as u64));)*
    };
}

fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    layout!(lines, InHeader = "fuse_in_header", {
        len, opcode, unique, nodeid, uid, gid, pid, total_extlen, padding
    });
    layout!(lines, OutHeader = "fuse_out_header", { len, error, unique });
    // Only the head of it, that every version has.
    layout!(lines, InitIn = "fuse_init_in" ["offsetof(struct fuse_init_in, flags2)"], {
        major, minor, max_readahead, flags
    });
    layout!(lines, InitOut = "fuse_init_out", {
        major, minor, max_readahead, flags, max_background, congestion_threshold, max_write,
        time_gran, max_pages, map_alignment, flags2, unused,
    });
    layout!(lines, CuseInitIn = "cuse_init_in", { major, minor, unused, flags });
    layout!(lines, CuseInitOut = "cuse_init_out", {
        major, minor, unused, flags, max_read, max_write, dev_major, dev_minor, spare
    });
    layout!(lines, Attr = "fuse_attr", {
        ino, size, blocks, atime, mtime, ctime, atimensec, mtimensec, ctimensec, mode, nlink, uid,
        gid, rdev, blksize, flags,
    });
    layout!(lines, EntryOut = "fuse_entry_out", {
        nodeid, generation, entry_valid, attr_valid, entry_valid_nsec, attr_valid_nsec, attr
    });
    layout!(lines, AttrOut = "fuse_attr_out", { attr_valid, attr_valid_nsec, dummy, attr });
    layout!(lines, SetattrIn = "fuse_setattr_in", {
        valid, padding, fh, size, lock_owner, atime, mtime, ctime, atimensec, mtimensec, ctimensec,
        mode, unused4, uid, gid, unused5,
    });
    layout!(lines, OpenIn = "fuse_open_in", { flags, open_flags });
    // `padding` of the open answer is `backing_id` since 7.40.
    layout!(lines, OpenOut = "fuse_open_out", { fh, open_flags });
    layout!(lines, ReleaseIn = "fuse_release_in", { fh, flags, release_flags, lock_owner });
    layout!(lines, ReadIn = "fuse_read_in", {
        fh, offset, size, read_flags, lock_owner, flags, padding
    });
    layout!(lines, WriteIn = "fuse_write_in", {
        fh, offset, size, write_flags, lock_owner, flags, padding
    });
    layout!(lines, WriteOut = "fuse_write_out", { size, padding });
    layout!(lines, StatfsOut = "fuse_statfs_out", {
        blocks = "st.blocks", bfree = "st.bfree", bavail = "st.bavail", files = "st.files",
        ffree = "st.ffree", bsize = "st.bsize", namelen = "st.namelen", frsize = "st.frsize",
        padding = "st.padding", spare = "st.spare",
    });
    layout!(lines, InterruptIn = "fuse_interrupt_in", { unique });
    layout!(lines, IoctlIn = "fuse_ioctl_in", { fh, flags, cmd, arg, in_size, out_size });
    layout!(lines, IoctlOut = "fuse_ioctl_out", { result, flags, in_iovs, out_iovs });
    layout!(lines, PollIn = "fuse_poll_in", { fh, kh, flags, events });
    layout!(lines, PollOut = "fuse_poll_out", { revents, padding });
    layout!(lines, NotifyPollWakeupOut = "fuse_notify_poll_wakeup_out", { kh });
    layout!(lines, Dirent = "fuse_dirent" ["FUSE_NAME_OFFSET"], {
        ino, off, namelen, kind = "type"
    });
    numbers!(
        lines,
        FUSE_KERNEL_VERSION,
        FUSE_ROOT_ID,
        FUSE_MIN_READ_BUFFER,
        FUSE_LOOKUP,
        FUSE_FORGET,
        FUSE_GETATTR,
        FUSE_SETATTR,
        FUSE_READLINK,
        FUSE_SYMLINK,
        FUSE_MKNOD,
        FUSE_MKDIR,
        FUSE_UNLINK,
        FUSE_RMDIR,
        FUSE_RENAME,
        FUSE_LINK,
        FUSE_OPEN,
        FUSE_READ,
        FUSE_WRITE,
        FUSE_STATFS,
        FUSE_RELEASE,
        FUSE_FSYNC,
        FUSE_SETXATTR,
        FUSE_GETXATTR,
        FUSE_LISTXATTR,
        FUSE_REMOVEXATTR,
        FUSE_FLUSH,
        FUSE_INIT,
        FUSE_OPENDIR,
        FUSE_READDIR,
        FUSE_RELEASEDIR,
        FUSE_FSYNCDIR,
        FUSE_ACCESS,
        FUSE_CREATE,
        FUSE_INTERRUPT,
        FUSE_DESTROY,
        FUSE_IOCTL,
        FUSE_POLL,
        FUSE_NOTIFY_REPLY,
        FUSE_BATCH_FORGET,
        FUSE_RENAME2,
        FUSE_FALLOCATE,
        FUSE_COPY_FILE_RANGE,
        FUSE_TMPFILE,
        CUSE_INIT,
        CUSE_INIT_INFO_MAX,
        FUSE_NOTIFY_POLL,
        FATTR_MODE,
        FATTR_UID,
        FATTR_GID,
        FATTR_SIZE,
        FATTR_ATIME,
        FATTR_MTIME,
        FATTR_FH,
        FATTR_ATIME_NOW,
        FATTR_MTIME_NOW,
        FATTR_CTIME,
        FOPEN_DIRECT_IO,
        FOPEN_NONSEEKABLE,
        FOPEN_STREAM,
        FOPEN_NOFLUSH,
        FOPEN_PARALLEL_DIRECT_WRITES,
        FUSE_BIG_WRITES,
        FUSE_PARALLEL_DIROPS,
        FUSE_MAX_PAGES,
        FUSE_READ_LOCKOWNER,
        FUSE_IOCTL_COMPAT,
        FUSE_IOCTL_DIR,
        FUSE_IOCTL_COMPAT_X32,
        FUSE_POLL_SCHEDULE_NOTIFY,
    );
    lines
}

#[test]
fn the_wire_format_is_that_of_the_kernel_header() {
    let lines = lines();
    let mut source = String::from(
        "#include <stdio.h>\n#include <stddef.h>\n#include <linux/fuse.h>\nint main(void) {\n",
    );
    for (expression, _) in &lines {
        writeln!(source, "printf(\"%llu\\n\", (unsigned long long)({expression}));").unwrap();
    }
    source.push_str("return FUSE_KERNEL_MINOR_VERSION < 38; }\n");
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
    std::fs::write(&file, source).unwrap();
    let compiled = match Command::new("cc").arg("-o").arg(&program).arg(&file).output() {
        Err(error) => {
            skip(&format!("no C compiler `cc`: {error}"));
            return;
        }
        Ok(output) => output,
    };
    let said = String::from_utf8_lossy(&compiled.stderr);
    if !compiled.status.success() && said.contains("linux/fuse.h: No such file") {
        skip("no kernel header linux/fuse.h");
        return;
    }
    assert!(compiled.status.success(), "{said}");
    let output = Command::new(&program).output().unwrap();
    if !output.status.success() {
        skip("linux/fuse.h is older than protocol 7.38");
        return;
    }
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert_eq!(theirs.lines().count(), lines.len());
    for (theirs, (expression, ours)) in theirs.lines().zip(&lines) {
        assert_eq!(theirs, ours.to_string(), "{expression}");
    }
}
