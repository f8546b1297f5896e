# SPDX-License-Identifier: Apache-2.0
"""The state folder before the server starts: what somebody else could have put there is not believed, what a disk has
changed is not served."""

import os
import resource
import shutil
import stat
import subprocess
import tempfile
import unittest

from server import LocalServer, ServerCase  # noqa: F401
from localserver import server_binary

LIMIT = 60


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="state-")
        self.state = os.path.join(self.folder, "state")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.state, name)

    def put(self, name, text=b"x" * 32, mode=0o600):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def start(self, command="serve", limit=None):
        """Starts and ends the command: what it says on its way out, None where it came up."""
        flags = ["--port", "0"] if command == "serve" else []
        process = subprocess.Popen([server_binary(), command, "--state-dir", self.state, *flags],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=limit)
        try:
            line = process.stdout.readline() if command == "serve" else ""
            if line:
                process.terminate()
            _, said = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
            process.wait()
        if line:
            self.assertEqual(0, process.returncode, said)
            return None
        self.assertNotIn(process.returncode, (0, -11, -6), said)
        return said

    def refused(self, *words, commands=("serve", "status", "down")):
        for command in commands:
            said = self.start(command)
            self.assertIsNotNone(said, f"{command} takes it")
            for word in words:
                self.assertIn(word, said)

    def test_a_new_folder_is_its_owners_alone(self):
        old = os.umask(0)
        try:
            self.assertIsNone(self.start())
        finally:
            os.umask(old)
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.state).st_mode))
        for name in os.listdir(self.state):
            if not name.endswith(".crt"):
                self.assertEqual(0, os.stat(self.path(name)).st_mode & 0o077, name)
        self.assertIsNone(self.start(), "it takes its own folder again")

    def test_a_folder_that_others_may_write_to_is_refused(self):
        os.mkdir(self.state)
        self.put("token")
        for mode in (0o777, 0o1777, 0o770, 0o702):
            os.chmod(self.state, mode)
            self.refused(self.state, "written by other users", "chmod 700")
        os.chmod(self.state, 0o755)
        self.assertIsNone(self.start())

    @unittest.skipUnless(os.geteuid() == 0, "needs root to give files away")
    def test_a_folder_of_somebody_else_is_refused(self):
        os.mkdir(self.state, 0o700)
        os.chown(self.state, 12345, 12345)
        self.refused("belongs to another user", "--state-dir")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to give files away")
    def test_what_somebody_else_put_there_is_refused(self):
        for name in ("token", "ca.key", "ca.crt", "server.key", "api.db", "api.db-wal", "kubeconfig", "up.lock", "other"):
            os.mkdir(self.state, 0o700)
            os.chown(self.put(name), 12345, 12345)
            self.refused(self.path(name), "another user")
            shutil.rmtree(self.state)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to give links away")
    def test_another_users_link_to_the_folder_is_refused(self):
        target = os.path.join(self.folder, "target")
        os.mkdir(target, 0o700)
        os.symlink(target, self.state)
        self.assertIsNone(self.start())
        os.chown(self.state, 12345, 12345, follow_symlinks=False)
        self.refused("another user's link", commands=("serve",))

    def test_links_in_the_folder_are_refused(self):
        victim = os.path.join(self.folder, "victim")
        for name in ("token", "ca.key", "server.key", "ca.crt", "api.db", "api.db-wal", "api.lock", "api.reserve",
                     "kubeconfig", "ports", "controller.log", "node"):
            os.mkdir(self.state, 0o700)
            with open(victim, "w") as f:
                f.write("kept" * 8)
            os.symlink(victim, self.path(name))
            self.refused(self.path(name), "is a link")
            with open(victim) as f:
                self.assertEqual("kept" * 8, f.read())
            shutil.rmtree(self.state)

    def test_secrets_that_others_may_read_or_write_are_refused(self):
        for name, mode, word in (("token", 0o644, "read"), ("ca.key", 0o640, "read"), ("api.db", 0o604, "read"),
                                 ("token", 0o622, "written"), ("ca.crt", 0o666, "written"), ("kubeconfig", 0o620, "written")):
            os.mkdir(self.state, 0o700)
            self.put(name, mode=mode)
            self.refused(self.path(name), word + " by other users", "chmod 600")
            shutil.rmtree(self.state)

    def test_a_pipe_in_place_of_a_secret_is_refused(self):
        os.mkdir(self.state, 0o700)
        os.mkfifo(self.path("token"), 0o600)
        self.refused(self.path("token"), "is not a file")

    def test_too_few_descriptors_are_told_at_the_start(self):
        for most in (8, 16, 24, 63):
            said = self.start(limit=lambda n=most: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
            self.assertIsNotNone(said, f"it starts with {most}")
            self.assertIn(f"the limit of open files is {most}", said)
            self.assertIn("ulimit -n", said)
        self.assertIsNone(self.start(limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))))
        self.assertIsNone(self.start(limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 1024))))


if __name__ == "__main__":
    unittest.main()
