# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens: with --token-file nobody gets in without one, and sandboxes never see it."""

import os

from routersuite import *

GOOD, OTHER, NEWER = "good-token-0123456789", "other-token-0123456789", "newer-token-0123456789"


class Tokens(Case):
    def setUp(self):
        super().setUp()
        self.folder = Suite.cluster.file(self.fresh_name("tokens"))
        os.mkdir(self.folder)
        self.swap("first", f"{GOOD}\n{OTHER}\n")
        self.name = self.sandbox()
        self.guarded = self.start("--token-file", os.path.join(self.folder, "token"))
        self.known(self.name, router=self.guarded)

    def swap(self, version, text):
        """As a kubelet does: a folder of its own, and a link that is renamed."""
        os.mkdir(os.path.join(self.folder, version))
        with open(os.path.join(self.folder, version, "token"), "w") as f:
            f.write(text)
        os.symlink(version, os.path.join(self.folder, "..tmp"))
        os.rename(os.path.join(self.folder, "..tmp"), os.path.join(self.folder, "..data"))
        if not os.path.islink(os.path.join(self.folder, "token")):
            os.symlink("..data/token", os.path.join(self.folder, "token"))

    def ask(self, *values):
        return self.guarded.ask(self.name, headers=[("Authorization", value) for value in values])

    def test_a_token_opens_and_does_not_go_on(self):
        for value in (f"Bearer {GOOD}", f"Bearer {OTHER}", f"bearer {GOOD}", f"BEARER  {GOOD}"):
            with self.subTest(value):
                answer = self.ask(value)
                self.assertEqual(200, answer.status, answer)
                self.assertNotIn("authorization", [name.lower() for name, _ in answer.json()["headers"]])
                self.assertNotIn(GOOD.encode(), answer.body)

    def test_anything_else_is_a_401(self):
        for values in ((), ("",), ("Bearer",), ("Bearer ",), (GOOD,), (f"Basic {GOOD}",), (f"Bearer {GOOD}x",),
                       (f"Bearer {GOOD[:-1]}",), (f"Bearer {GOOD.upper()}",), (f"Bearer {GOOD} {OTHER}",),
                       (f"Bearer {GOOD}, Bearer {OTHER}",), (f"Bearer {GOOD}", f"Bearer {OTHER}"),
                       (f"Bearer {GOOD}", f"Bearer {GOOD}"), ("Bearer x", f"Bearer {GOOD}"),
                       (f"Bearer {GOOD}", "Bearer x"), (f"Bearer bearer {GOOD}",), (f"Bearer\t{GOOD}",)):
            with self.subTest(values):
                answer = self.ask(*values)
                self.assert_detail(401, "Not authenticated", answer)
                self.assertEqual(["Bearer"], answer.all("www-authenticate"))

    def test_nobody_learns_names_without_a_token(self):
        self.assertEqual(401, self.guarded.ask("nobody").status)
        self.assertEqual(401, self.guarded.ask().status)

    def test_health_needs_none(self):
        self.assertEqual(200, self.guarded.ask(path="/healthz").status)

    def test_tokens_change_without_a_restart(self):
        child = self.guarded.haproxy()
        self.swap("second", f"{NEWER}\r\n\r\n{OTHER}")
        until(lambda: self.ask(f"Bearer {NEWER}").status == 200, 10, "the new token opens")
        self.assertEqual([401, 200, child],
                         [self.ask(f"Bearer {GOOD}").status, self.ask(f"Bearer {OTHER}").status, self.guarded.haproxy()])
        os.kill(child, 9)
        until(lambda: self.guarded.ready() and self.guarded.haproxy() not in (None, child), 5, "another HAProxy")
        self.assertEqual([200, 401], [self.ask(f"Bearer {NEWER}").status, self.ask(f"Bearer {GOOD}").status])

    def test_a_file_that_makes_no_sense_changes_nothing(self):
        for number, text in enumerate(("", "short\n", f"{GOOD}\nshort\n", "\n\n")):
            self.swap(f"bad-{number}", text)
        until(lambda: "the tokens stay as they were" in self.guarded.log, 10, "the log says so")
        self.assertEqual(200, self.ask(f"Bearer {GOOD}").status)

    def test_no_token_is_in_the_log_or_in_haproxy_s_files(self):
        self.ask(f"Bearer {GOOD}")
        for name in os.listdir(self.guarded.run_dir):
            path = os.path.join(self.guarded.run_dir, name)
            if os.path.isfile(path):
                with open(path, errors="replace") as f:
                    self.assertNotIn(GOOD, f.read(), name)
        self.assertNotIn(GOOD, self.guarded.log)

    def test_a_router_without_its_tokens_does_not_start(self):
        for text in ("", "short\n"):
            path = Suite.cluster.write(self.fresh_name("tokens"), text)
            router = Router("--token-file", path)
            router.process = Suite.cluster.spawn(router.name, router.argv)
            self.assertEqual(1, router.process.wait(10))
            self.assertIn(path, router.log)
