# SPDX-License-Identifier: Apache-2.0
"""A file system whose every answer but the first is missing: what a guest can do with FUSE, an operator with NFS."""

import ctypes
import os
import select
import struct
import threading

from server import Skip

LIBC = ctypes.CDLL(None, use_errno=True)
FUSE_INIT, INIT_SIZE = 26, 64  # struct fuse_init_out
PARALLEL_DIROPS = 1 << 18  # one who waits does not keep the next one from asking
MNT_DETACH = 2


class HungFolder:
    """In `with`: path is such a file system; asked is set once somebody waits for it and cannot be interrupted."""

    def __init__(self, path):
        self.path, self.asked = path, threading.Event()

    def __enter__(self):
        os.mkdir(self.path)
        try:
            self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        except OSError as e:
            raise Skip(f"needs /dev/fuse: {e}") from None
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other"
        if LIBC.mount(b"hung", self.path.encode(), b"fuse", 0, options.encode()) != 0:
            os.close(self.device)
            raise Skip(f"needs the right to mount: {os.strerror(ctypes.get_errno())}")
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def serve(self):
        """Takes what is asked, which makes the waits for it uninterruptible."""
        import select
        while True:
            ready, _, _ = select.select([self.device, self.stop_read], [], [])
            if self.stop_read in ready:
                return
            request = os.read(self.device, 1 << 17)
            _, opcode, unique = struct.unpack_from("=IIQ", request)
            if opcode == FUSE_INIT:
                answer = struct.pack("=IIIIHHI", 7, 31, 65536, PARALLEL_DIROPS, 12, 9, 65536).ljust(INIT_SIZE, b"\0")
                os.write(self.device, struct.pack("=IiQ", 16 + INIT_SIZE, 0, unique) + answer)
            else:
                self.asked.set()

    def __exit__(self, *_):
        """Whoever waits gets an error when the device is closed."""
        os.write(self.stop_write, b"x")
        self.thread.join()
        for fd in (self.device, self.stop_read, self.stop_write):
            os.close(fd)
        LIBC.umount2(self.path.encode(), MNT_DETACH)
