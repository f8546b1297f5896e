# SPDX-License-Identifier: Apache-2.0
"""Reads the API server's audit log: who wrote what, when, and with what answer."""

import json
import time

LINE_MAX = 8 << 20  # bytes, more than a line has


class Entry:
    """One write, as the API server answered it."""

    def __init__(self, event):
        ref = event.get("objectRef") or {}
        self.user, self.verb = event["user"]["username"], event["verb"]
        self.resource = ref.get("resource", "") + ("/" + ref["subresource"] if ref.get("subresource") else "")
        self.namespace, self.name = ref.get("namespace", ""), ref.get("name", "")
        self.code = (event.get("responseStatus") or {}).get("code", 0)
        self.uri, self.agent = event["requestURI"], event.get("userAgent", "")
        self.received, self.answered = event["requestReceivedTimestamp"], event["stageTimestamp"]
        self.dry_run = "dryRun=" in self.uri

    @property
    def what(self):
        return f"{self.verb} {self.resource}"

    def __repr__(self):
        return f"{self.received} {self.what} {self.namespace}/{self.name} {self.code}"


class Audit:
    def __init__(self, path):
        self.path = path

    def mark(self):
        """A place in the log, for entries(since=...): behind its last whole line, since one that is being written
        shows page by page."""
        try:
            with open(self.path, "rb") as f:
                end = f.seek(0, 2)
                begin = f.seek(max(0, end - LINE_MAX))
                return begin + f.read(end - begin).rfind(b"\n") + 1
        except FileNotFoundError:
            return 0

    def entries(self, since=0, user=None, namespace=None, what=None, settle=0.1):
        """Writes after that mark, in the order of their answers. The log is a moment behind the answers."""
        time.sleep(settle)
        found = []
        with open(self.path, "rb") as f:
            f.seek(since)
            for line in f:
                if not line.endswith(b"\n"):
                    break
                entry = Entry(json.loads(line))
                if ((user is None or entry.user == user) and (what is None or entry.what == what)
                        and (namespace is None or entry.namespace == namespace)):
                    found.append(entry)
        return found
