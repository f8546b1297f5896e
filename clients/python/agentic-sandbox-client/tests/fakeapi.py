# SPDX-License-Identifier: Apache-2.0
"""An API server in memory that knows claims alone, each Ready from the start, and asks for a token.

    api.accepts = {"Bearer one"}      what it takes; None: anything
    api.seen                          (method, Authorization) of each request"""

import http.server
import json
import threading
import urllib.parse


class FakeApi:
    def __init__(self):
        self.accepts, self.seen, self.claims, self.refusal = None, [], {}, "Unauthorized"
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def reply(self, status, body):
                body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                token = self.headers.get("Authorization")
                outer.seen.append((self.command, token))
                if outer.accepts is not None and token not in outer.accepts:
                    message = outer.refusal.replace("TOKEN", str(token))
                    self.reply(401, {"kind": "Status", "message": message, "reason": "Unauthorized", "code": 401})
                    return
                self.reply(*outer.answer(self.command, self.path, json.loads(body or b"{}")))
            do_GET = do_POST = do_DELETE = handle_any
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, method, path, body):
        path = urllib.parse.urlsplit(path).path
        name = path.rpartition("/")[2]
        with self.lock:
            if method == "POST":
                meta = body["metadata"]
                meta.update(uid="uid-" + meta["name"], resourceVersion="1")
                body["status"] = {"conditions": [{"type": "Ready", "status": "True"}], "sandbox": {"Name": "box"}}
                self.claims[meta["name"]] = body
                return 201, body
            if name == "sandboxclaims":
                return 200, {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": list(self.claims.values())}
            if "/sandboxes/" in path:
                return 200, {"metadata": {"name": name, "uid": "u"}}
            found = self.claims.pop(name, None) if method == "DELETE" else self.claims.get(name)
            return (200, found) if found else (404, {"kind": "Status", "code": 404, "message": "not found"})

    def kubeconfig(self, path, user, **cluster):
        """Writes one with that user; returns its path."""
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": dict({"server": self.url}, **cluster)}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        return str(path)

    def tokens(self):
        return [token for _, token in self.seen]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
