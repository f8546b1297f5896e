# SPDX-License-Identifier: Apache-2.0
"""What a guest sees of its host and of others, tried from inside under runc."""

import os
import tempfile

from world import Case, execute

SANDBOX = {"requests": {"memory": "64Mi"}, "limits": {"memory": "256Mi"}}


class Isolation(Case):
    def sandbox(self, name="guest", **more):
        """A sandbox's server under runc; its address."""
        self.run_pod(name, readinessProbe={"httpGet": {"path": "/", "port": 8888}, "periodSeconds": 1}, **{"resources": SANDBOX, **more})
        return self.running(name)

    def test_no_process_of_the_host_is_seen(self):
        address = self.sandbox()
        pids = execute(address, "sh -c 'ls -d /proc/[0-9]*'")["stdout"].split()
        self.assertLess(len(pids), 10, pids)
        shown = execute(address, "sh -c 'cat /proc/[0-9]*/cmdline'")["stdout"]
        self.assertNotIn("agent-sandbox-node", shown)
        self.assertNotEqual(os.readlink("/proc/self/ns/pid"), execute(address, "readlink /proc/self/ns/pid")["stdout"].strip())

    def test_no_file_of_the_host_is_seen(self):
        address = self.sandbox()
        with tempfile.NamedTemporaryFile(prefix="host-secret-") as secret:
            self.assertEqual(2, execute(address, f"ls {secret.name}")["exit_code"])
            self.assertEqual(2, execute(address, f"ls /proc/1/root{secret.name}")["exit_code"])
        execute(address, "sh -c 'echo guest > /tmp/guest-was-here'")
        self.assertFalse(os.path.exists("/tmp/guest-was-here"))

    def test_the_host_is_not_changed(self):
        address = self.sandbox()
        for attempt in ("sh -c 'echo 1 > /proc/sys/kernel/panic'", "mount -t tmpfs none /mnt", "sh -c 'echo b > /proc/sysrq-trigger'",
                        "hostname other", "sh -c 'mknod /tmp/disk b 8 0 && dd if=/tmp/disk of=/dev/null count=1'"):
            self.assertNotEqual(0, execute(address, attempt)["exit_code"], attempt)

    def test_loopback_of_another_pod_is_not_reached(self):
        one, two = self.sandbox("one"), self.sandbox("two")
        listener = "python3 -c \"import socket,time; s=socket.socket(); s.bind(('127.0.0.1',7777)); s.listen(); time.sleep(600)\""
        execute(one, f"sh -c '{listener.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))} >/dev/null 2>&1 &'")
        dial = "import socket\ns=socket.socket(); s.settimeout(3)\ntry: s.connect(('{}',7777)); print('open')\nexcept OSError: print('closed')"
        self.eventually(lambda: execute(one, "python3 -c \"" + dial.format("127.0.0.1") + "\"")["stdout"] == "open\n", "it listens")
        for address in ("127.0.0.1", one):
            self.assertEqual("closed\n", execute(two, "python3 -c \"" + dial.format(address) + "\"")["stdout"], address)

    def test_an_open_port_is_reached_from_another_pod(self):
        """No isolation, but how it is: one bridge, and no NetworkPolicy is enforced. docs/security.md says so."""
        one, two = self.sandbox("one"), self.sandbox("two")
        said = execute(two, f"python3 -c \"import socket; socket.create_connection(('{one}', 8888), 5); print('open')\"")
        self.assertEqual("open\n", said["stdout"], said)

    def test_the_memory_limit_holds(self):
        address = self.sandbox()
        hungry = execute(address, "python3 -c 'b = bytearray(600 << 20)'")
        self.assertIn(hungry["exit_code"], (-9, 137), hungry)
        self.assertEqual("ok\n", execute(self.running("guest"), "echo ok")["stdout"])

    def test_the_number_of_processes_is_limited(self):
        # Enough memory that this is not what ends it.
        address = self.sandbox(resources={"limits": {"memory": "4Gi"}})
        bomb = "import os,time\nn=0\ntry:\n while n < 100000:\n  if os.fork()==0: time.sleep(5); os._exit(0)\n  n+=1\nexcept OSError: pass\nprint(n)"
        said = execute(address, f"python3 -c \"{bomb}\"", patience=60)
        self.assertTrue(said["stdout"].strip().isdigit(), said)
        self.assertIn(int(said["stdout"]), range(1, 40000), said)
        self.assertEqual("ok\n", self.eventually(lambda: execute(address, "echo ok")["stdout"], "it answers again"))
