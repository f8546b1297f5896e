# SPDX-License-Identifier: Apache-2.0
"""Multipart forms, also broken ones."""

BOUNDARY = b"xBOUNDx"
TYPE = "multipart/form-data; boundary=" + BOUNDARY.decode()
END = b"--" + BOUNDARY + b"--\r\n"
FILE = b'name="file"; filename="a.txt"'


def part(parameters=FILE, data=b"hi", extra=b""):
    return (b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data; " + parameters + b"\r\n" + extra + b"\r\n" + data
            + b"\r\n")


def named(filename, data=b"hi"):
    """A whole form with one file of that name."""
    filename = filename if isinstance(filename, bytes) else filename.encode()
    quoted = filename.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return part(b'name="file"; filename="' + quoted + b'"', data) + END


def upload(server, form, kind=TYPE):
    return server.request("POST", "/upload", form, {"Content-Type": kind} if kind else {})
