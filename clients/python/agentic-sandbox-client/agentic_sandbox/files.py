# SPDX-License-Identifier: Apache-2.0
"""Files on their way into a sandbox: their paths, and the form that they travel in."""

from typing import BinaryIO, Callable, Iterator, Union

from .errors import SandboxPathError

PIECE_BYTES = 65536

Content = Union[str, bytes, BinaryIO]


def check_path(path: str) -> str:
    """A path below the sandbox's folder, for the URL or the form; raises SandboxPathError."""
    if not isinstance(path, str) or not path or any(ord(c) < 32 or ord(c) == 127 for c in path):
        raise SandboxPathError("a path is a str, not empty, without control characters")
    if path.startswith("/") or ".." in path.split("/"):
        raise SandboxPathError("a path is relative to the sandbox's folder and has no '..'")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise SandboxPathError("a path is Unicode without lone surrogates") from None
    return path


def rewindable(content: Content) -> Callable[[], Union[bytes, BinaryIO]]:
    """Gives the content from its beginning, as often as it is called; raises ValueError where it can do so only once."""
    if isinstance(content, str):
        content = content.encode("utf-8")
    if isinstance(content, (bytes, bytearray, memoryview)):
        whole = bytes(content)
        return lambda: whole
    if not hasattr(content, "read"):
        raise TypeError("the content of a file is a str, bytes, or an open binary file")
    file = content
    begin = file.tell() if file.seekable() else None
    given = False

    def again() -> BinaryIO:
        nonlocal given
        if begin is not None:
            file.seek(begin)
        elif given:
            raise ValueError("the file to write cannot be read a second time")
        given = True
        return file
    return again


def form(field: str, filename: str, content: Union[bytes, BinaryIO], mark: str) -> Iterator[bytes]:
    """A multipart/form-data body with one file."""
    quoted = filename.replace("\\", "\\\\").replace('"', '\\"')
    yield (f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="{quoted}"\r\n'
           "Content-Type: application/octet-stream\r\n\r\n").encode("utf-8")
    if isinstance(content, bytes):
        for at in range(0, len(content), PIECE_BYTES):
            yield content[at:at + PIECE_BYTES]
    else:
        while True:
            piece = content.read(PIECE_BYTES)
            if not isinstance(piece, bytes):
                raise TypeError("the file to write must be open in binary mode")
            if not piece:
                break
            yield piece
    yield f"\r\n--{mark}--\r\n".encode("utf-8")
