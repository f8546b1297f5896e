# SPDX-License-Identifier: Apache-2.0
"""Ends of processes: HAProxy's, the router's, the API server's."""

import os
import signal
import threading
import time

from proxy import Proxy
from routersuite import *


def exists(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kubeconfig_through(proxy, name):
    """The admin's, with this proxy as the server."""
    with open(Suite.cluster.kubeconfig) as f:
        return Suite.cluster.write(name, f.read().replace(Suite.cluster.server, proxy.url))


class Processes(Case):
    @staticmethod
    def kill_haproxy(router):
        """Returns when another one runs."""
        first = router.haproxy()
        os.kill(first, signal.SIGKILL)
        until(lambda: router.ready() and router.haproxy() not in (None, first), 5, "another HAProxy")

    def test_a_killed_haproxy_comes_back_with_the_whole_map(self):
        names = [self.sandbox() for _ in range(10)]
        router = self.start()
        for name in names:
            self.known(name, router=router)
        before = router.entries()
        for _ in range(3):
            self.kill_haproxy(router)
            self.assertEqual(before, router.entries())
            self.assertEqual(200, router.ask(names[0], method="POST").status)

    def test_changes_while_haproxy_is_away_are_in_the_next_one(self):
        name = self.sandbox()
        router = self.start()
        self.known(name, router=router)
        os.kill(router.haproxy(), signal.SIGKILL)
        address = self.fresh_address()
        self.report("default", name, address)
        other = self.sandbox()
        until(router.ready, 5, "another HAProxy")
        self.known(name, address=address, router=router)
        self.known(other, router=router)

    def test_a_map_that_was_tampered_with_is_mended(self):
        names = [self.sandbox() for _ in range(3)]
        router = self.start()
        for name in names:
            self.known(name, router=router)
        router.command(f"clear map {router.run_dir}/sandboxes.map")
        self.assertEqual({}, router.entries())
        # The next change finds that HAProxy has not what it should have.
        self.report("default", names[0], self.fresh_address())
        for name in names:
            self.known(name, router=router)

    def test_a_haproxy_that_does_not_answer_is_replaced(self):
        """It may carry out later what it was told before: nobody knows what its map would be then."""
        name = self.sandbox()
        router = self.start()
        self.known(name, router=router)
        child = router.haproxy()
        os.kill(child, signal.SIGSTOP)
        address = self.fresh_address()
        self.report("default", name, address)
        until(lambda: not exists(child), 10, "the one that does not answer is gone")
        until(lambda: router.ready() and router.haproxy() not in (None, child), 10, "another HAProxy")
        self.known(name, address=address, router=router)
        self.assertEqual(address, router.ask(name).json()["address"])
        self.assertIn("HAProxy does not respond", router.log)

    def test_a_killed_router_takes_haproxy_along(self):
        router = self.start()
        child = router.haproxy()
        router.kill()
        until(lambda: not exists(child), 2, "HAProxy is gone")

    def test_haproxy_is_a_user_without_rights_in_an_empty_folder(self):
        """The cases run as root, so its router does."""
        name = self.sandbox()
        router = self.start()
        self.known(name, router=router)
        for _ in range(2):
            pid = router.haproxy()
            with open(f"/proc/{pid}/status") as f:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            self.assertNotIn("0", status["Uid"].split() + status["Gid"].split() + status["Groups"].split())
            self.assertEqual(0, int(status["CapEff"], 16) | int(status["CapPrm"], 16))
            root = os.readlink(f"/proc/{pid}/root")
            self.assertEqual((os.path.join(router.run_dir, "root"), []), (root, os.listdir(root)))
            self.assertEqual(0, os.stat(root).st_uid)
            self.assertEqual(200, router.ask(name).status)
            # The router still commands it, and it comes back so.
            address = self.fresh_address()
            self.report("default", name, address)
            self.known(name, address=address, router=router)
            self.kill_haproxy(router)

    def test_the_folder_is_one_router_s(self):
        router = self.start()
        second = Router()
        second.argv[second.argv.index("--run-dir") + 1] = router.run_dir
        second.process = Suite.cluster.spawn(second.name, second.argv)
        self.assertEqual(1, second.process.wait(10))
        self.assertIn("another router uses", second.log)
        self.assertTrue(router.ready())

    def test_a_router_starts_again_in_the_same_place(self):
        router = self.start()
        router.kill()
        router.start()
        self.assertEqual(200, router.ask(self.sandbox()).status)

    def test_sigterm_lets_requests_end(self):
        began, go_on = threading.Event(), threading.Event()
        def script(connection, reader, request):
            began.set()
            go_on.wait(10)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        name, path = self.sandbox(), self.script(script)
        router = self.start()
        self.known(name, router=router)
        got = []
        thread = threading.Thread(target=lambda: got.append(router.ask(name, path, "POST", body=b"x")))
        thread.start()
        self.assertTrue(began.wait(10))
        router.process.signal(signal.SIGTERM)
        def refused():
            try:
                router.connect().close()
                return False
            except OSError:
                return True
        until(refused, 5, "no new connections")
        go_on.set()
        thread.join(10)
        self.assertEqual((200, b"ok"), (got[0].status, got[0].body))
        self.assertEqual(0, router.process.wait(5))

    def test_sigterm_ends_what_does_not_end(self):
        never, began = threading.Event(), threading.Event()
        self.addCleanup(never.set)
        def script(connection, reader, request):
            began.set()
            never.wait(60)
        name, path = self.sandbox(), self.script(script)
        router = self.start()
        self.known(name, router=router)
        connection = router.connect()
        self.addCleanup(connection.close)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {name}\r\n\r\n".encode())
        self.assertTrue(began.wait(10))
        begin = time.monotonic()
        self.assertEqual(0, router.stop())
        self.assertGreater(time.monotonic() - begin, 9)

    def test_without_the_api_server_it_serves_on(self):
        proxy = Proxy(Suite.cluster)
        self.addCleanup(proxy.stop)
        router = self.start(kubeconfig=kubeconfig_through(proxy, self.fresh_name("kubeconfig")))
        name = self.sandbox()
        self.known(name, router=router)
        proxy.rule = lambda method, path: ("reset-before",)
        proxy.cut()
        later = self.sandbox()
        self.assertEqual(200, router.ask(name).status)
        self.assertEqual(503, router.ask(later).status)
        self.assertTrue(router.ready())
        self.kill_haproxy(router)
        self.assertEqual(200, router.ask(name).status)
        proxy.rule = None
        self.known(later, router=router)

    def test_it_starts_without_an_api_server_and_finds_it_later(self):
        proxy = Proxy(Suite.cluster)
        self.addCleanup(proxy.stop)
        proxy.rule = lambda method, path: ("reset-before",)
        router = Router(kubeconfig=kubeconfig_through(proxy, self.fresh_name("kubeconfig")))
        router.process = Suite.cluster.spawn(router.name, router.argv)
        self.addCleanup(router.process.stop, 20)
        until(lambda: router.page(router.port, "/healthz")[0] == 200, 20, "HAProxy runs")
        self.assertFalse(router.ready())
        proxy.rule = None
        until(router.ready, 20, "the API server is found")
        self.assertEqual(200, router.ask(self.sandbox()).status)
