"""Asks for a user-driven timer on a file whose file system does not answer, and opens the sequencer meanwhile."""

import ctypes
import fcntl
import os
import signal
import struct
import sys
import threading

LOOKUP, GETATTR, OPEN, RELEASE, INIT, FLUSH = 1, 3, 14, 18, 26, 25
CREATE = 0xC02054A5
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def attributes(inode):
    mode = 0o40755 if inode == 1 else 0o100644
    return struct.pack("=6Q10I", inode, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def serve(device):
    """Answers what a program asks that opens a file, but for the FLUSH of a close."""
    answers = {
        INIT: lambda node: struct.pack("=4I2H2I32x", 7, 31, 0, 0, 16, 16, 4096, 0),
        GETATTR: lambda node: struct.pack("=QII", 100, 0, 0) + attributes(node),
        LOOKUP: lambda node: struct.pack("=4QII", 2, 0, 100, 100, 0, 0) + attributes(2),
        OPEN: lambda node: struct.pack("=QII", 1, 0, 0),
        RELEASE: lambda node: b"",
    }
    while True:
        request = os.read(device, 1 << 17)
        _, code, unique, node = struct.unpack_from("=IIQQ", request)
        if code != FLUSH:
            data = answers[code](node) if code in answers else b""
            error = 0 if code in answers else -38
            os.write(device, struct.pack("=IiQ", 16 + len(data), error, unique) + data)


def check(result):
    if result:
        sys.exit("no mount: " + os.strerror(ctypes.get_errno()))


def ask(file):
    argument = bytearray(struct.pack("=Q24x", 1000000))
    try:
        fcntl.ioctl(file, CREATE, argument)
    except OSError as error:
        print("refused:", os.strerror(error.errno), flush=True)


folder = sys.argv[1]
check(libc.unshare(CLONE_NEWNS))
check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
device = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device
check(libc.mount(b"stuck", folder.encode(), b"fuse", 0, options))
server = os.fork()
if server == 0:
    serve(device)
os.close(device)
file = os.open(folder + "/file", os.O_RDONLY)
asking = threading.Thread(target=ask, args=(file,), daemon=True)
asking.start()
asking.join(5)
opening = threading.Thread(target=lambda: os.open("/dev/snd/seq", os.O_RDWR), daemon=True)
opening.start()
opening.join(10)
print("open waits" if opening.is_alive() else "opened", flush=True)
# Without its server the file system answers every call with an error.
os.kill(server, signal.SIGKILL)
os._exit(0)
