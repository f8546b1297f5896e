# SPDX-License-Identifier: Apache-2.0
"""The process: flags, election, health, metrics, log. Each case starts what it needs."""

import json
import os
import re
import shutil
import subprocess
import tempfile

from cluster import Cluster, ROOT
from controller import ALL_ROLES, CORE_ROLES, NAMESPACE, Controller, account, binary
from suite import *

METRICS = ("controller_runtime_reconcile_total", "controller_runtime_reconcile_time_seconds_count", "workqueue_depth",
           "workqueue_adds_total", "workqueue_retries_total", "workqueue_queue_duration_seconds_count",
           "rest_client_requests_total", "leader_election_master_status", "process_resident_memory_bytes",
           "process_cpu_seconds_total", "agent_sandbox_build_info", "process_open_fds", "agent_sandbox_claim_startup_latency_seconds_count",
           "agent_sandbox_api_writes_total", "agent_sandbox_warm_pool_size", "agent_sandbox_warm_pool_hits_total",
           "agent_sandbox_warm_pool_misses_total", "agent_sandboxes", "agent_sandbox_claim_creation_total",
           "agent_sandbox_claim_controller_startup_latency_ms_count", "agent_sandbox_creation_latency_ms_count")


class OwnCase(Case):
    own_controller = True

    def setUp(self):
        super().setUp()
        self.running = []
        self.addCleanup(lambda: [c.process and c.process.stop() for c in self.running])

    def start(self, *flags, wait=30, **how):
        controller = Controller(Suite.cluster, *flags, **how)
        self.running.append(controller)
        self.controller = controller
        return controller.start(wait)


class CommandLine(Case):
    own_controller = True

    def setUp(self):
        pass  # needs no namespace

    def run_it(self, *argv):
        return subprocess.run([binary(), *argv], capture_output=True, text=True, timeout=20,
                              env=dict(os.environ, KUBECONFIG="/nonexistent"))

    def test_version_is_printed(self):
        done = self.run_it("--version")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_help_names_every_flag(self):
        for spelling in ("--help", "-help"):
            done = self.run_it(spelling)
            self.assertEqual(0, done.returncode, done.stderr)
        for flag in ("--extensions", "--leader-elect", "--leader-election-namespace", "--metrics-bind-address",
                     "--health-probe-bind-address", "--cluster-domain", "--kubeconfig", "--enable-tracing",
                     "--kube-api-qps", "--kube-api-burst", "-concurrent-workers", "--version", "--plugin-dir",
                     "--plugin", "--dump-plugin"):
            self.assertIn(flag, done.stdout)

    def test_an_unknown_flag_is_refused(self):
        done = self.run_it("--no-such-flag")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("no-such-flag", done.stderr)

    def test_a_bad_address_is_refused(self):
        self.assertNotEqual(0, self.run_it("--metrics-bind-address", "nowhere:port").returncode)

    def test_a_missing_kubeconfig_is_told(self):
        done = self.run_it("--plugin-dir", os.path.join(os.path.dirname(binary()), ".libs"), "--kubeconfig",
                           "/nonexistent/config")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("/nonexistent/config", done.stderr + done.stdout)

    def test_a_plugin_that_others_may_write_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = shutil.copy(os.path.join(os.path.dirname(binary()), ".libs", "sandbox.so"),
                               os.path.join(folder, "open.so"))
            os.chmod(path, 0o777)
            done = self.run_it("--dump-plugin", path)
            self.assertNotEqual(0, done.returncode)
            self.assertIn("open.so", done.stderr)

    def test_two_plugins_for_one_kind_are_refused(self):
        plugins = os.path.join(os.path.dirname(binary()), ".libs")
        with tempfile.TemporaryDirectory() as folder:
            path = shutil.copy(os.path.join(plugins, "sandbox.so"), os.path.join(folder, "second.so"))
            os.chmod(path, 0o755)
            done = self.run_it("--plugin-dir", plugins, "--plugin", path)
            self.assertNotEqual(0, done.returncode)
            self.assertIn("second.so", done.stderr)

    def test_a_file_that_is_no_plugin_is_told(self):
        with tempfile.NamedTemporaryFile(suffix=".so") as f:
            f.write(b"not a shared object")
            f.flush()
            done = self.run_it("--dump-plugin", f.name)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(f.name, done.stderr)


class Flags(OwnCase):
    def test_go_s_one_dash_spelling_is_accepted(self):
        c = Controller(Suite.cluster)
        c.argv = [c.argv[0]] + [re.sub("^--", "-", a) for a in c.argv[1:]] + [
            "-kube-api-qps=-1", "-kube-api-burst=10", "-sandbox-concurrent-workers=2", "-cluster-domain=example.test"]
        self.running.append(c)
        self.controller = c.start()
        self.sandbox()
        self.assertEqual(f"sb.{self.ns}.svc.example.test", self.ready("sandboxes", "sb")["status"]["serviceFQDN"])

    def mapped_plugins(self, controller):
        """The plugins' files in the memory of a controller's process."""
        with open(f"/proc/{controller.process.pid}/maps", encoding="utf-8") as maps:
            return {os.path.basename(line.split()[-1]) for line in maps if "/.libs/" in line and ".so" in line}

    def test_without_extensions_only_sandboxes_are_reconciled_and_the_core_role_is_enough(self):
        # A pool with pods first, by a full controller.
        full = self.start()
        self.assertEqual({"sandbox.so", "template.so", "claim.so", "warmpool.so"}, self.mapped_plugins(full))
        self.template()
        self.pool()
        self.pool_at_rest()
        full.stop()
        core = self.start(extensions=False, account=account(self.api, "core-only", CORE_ROLES))
        self.assertEqual({"sandbox.so"}, self.mapped_plugins(core))
        self.claim()
        self.sandbox()
        self.ready("sandboxes", "sb")
        pod = dict(next(iter(self.pool_pods().values())), kind="Pod")
        self.sandbox("taker", annotations={POD_NAME: pod["metadata"]["name"]})
        self.eventually(lambda: condition(self.get("sandboxes", "taker")), "a condition")
        self.always(lambda: self.get("sandboxes", "claim") is None, "the claim is not looked at", 1)
        self.assert_untouched(pod)
        self.assertNotIn("status", self.get("sandboxclaims", "claim"))

    def test_nothing_is_forbidden_with_the_deployed_rights(self):
        c = self.start()
        mark = Suite.audit.mark()
        self.template(networkPolicy={"ingress": [{}]})
        self.pool()
        self.pool_at_rest()
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.patch("sandboxclaims", "claim", {"spec": {"lifecycle": {"shutdownTime": moment(-1),
                                                                     "shutdownPolicy": "Delete"}}})
        self.gone("sandboxclaims", "claim")
        self.sandbox(shutdownPolicy="Delete", volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}])
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"spec": {"shutdownTime": moment(-1)}})
        self.gone("sandboxes", "sb")
        forbidden = [e for e in Suite.audit.entries(mark, c.user, self.ns) if e.code == 403]
        self.assertEqual([], forbidden)
        with open(c.log) as f:
            # Other cases leave refusals behind, by quota.
            self.assertEqual([], [line for line in f if "orbidden" in line and "quota" not in line])


class Health(OwnCase):
    def test_healthz_and_readyz_answer(self):
        c = self.start()
        self.assertEqual(200, c.probe("/healthz")[0])
        self.assertEqual(200, c.probe("/readyz")[0])
        self.assertEqual(404, c.probe("/elsewhere")[0])

    def test_a_standby_is_ready_too(self):
        first = self.start(leader_elect=True)
        second = self.start(leader_elect=True, account=account(self.api, "standby"))
        self.assertEqual(200, second.probe("/readyz")[0])
        self.assertEqual(0, second.metric("leader_election_master_status"))
        self.assertTrue(first.leads())

    def test_metrics_have_the_names_of_go_controllers(self):
        c = self.start()
        self.template()
        self.pool()
        self.pool_at_rest()
        self.claim("warm")
        self.ready("sandboxclaims", "warm")
        self.template("cold")
        self.pool("empty", replicas=0, template="cold")
        self.pool_at_rest("empty")
        self.claim("cold", "cold")
        self.ready("sandboxclaims", "cold")
        found = {name.split("{")[0] for name in c.metrics()}
        self.assertEqual([], [name for name in METRICS if name not in found])
        self.assertGreaterEqual(c.metric("agent_sandbox_claim_startup_latency_seconds_count"), 2)
        self.assertGreaterEqual(c.metric("agent_sandbox_warm_pool_hits_total"), 1)

    def test_flags_of_the_go_controller_are_accepted(self):
        c = self.start("--metrics-secure-serving=false", "--enable-pprof", "--api-connections=4", "--zap-log-level=info",
                       "--sandbox-concurrent-workers=20", "--sandbox-write-behind-window", "250ms")
        with open(c.log) as f:
            told = [line for line in f if "have no effect here" in line]
        self.assertEqual(1, len(told))
        self.assertIn("--metrics-secure-serving, --enable-pprof, --api-connections, --sandbox-write-behind-window", told[0])

    def test_sigterm_ends_it_in_order(self):
        c = self.start()
        self.assertEqual(0, c.stop())

    def test_the_log_holds_no_token_and_no_whole_object(self):
        c = self.start()
        secret = "do-not-print-me"
        template = pod_template()
        template["spec"]["containers"][0]["env"] = [{"name": "A", "value": secret}]
        self.sandbox("bad", {"spec": dict(template["spec"], restartPolicy="Sometimes")})
        self.not_ready("sandboxes", "bad", "ReconcilerError")
        self.sandbox()
        self.ready("sandboxes", "sb")
        with open(c.argv[c.argv.index("--kubeconfig") + 1]) as f:
            token = re.search(r"token: (\S+)", f.read()).group(1)
        with open(c.log) as f:
            text = f.read()
        self.assertNotIn(token, text)
        self.assertNotIn(token.split(".")[1], text)
        self.assertNotIn(secret, text)

    def test_the_log_can_be_json(self):
        c = self.start("--log-format=json")
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.assertEqual(0, c.stop())
        with open(c.log) as f:
            for line in f:
                self.assertIsInstance(json.loads(line), dict)


class Parked(Case):
    """A cluster of its own, without the extensions' kinds at first."""

    own_controller = True

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start([os.path.join(ROOT, "deploy", "manifest.yaml")])
        for name in ("role", "extensions-role"):
            cls.cluster.kubectl("apply", "-f", os.path.join(ROOT, "deploy", "rbac", name + ".yaml"))

    @classmethod
    def tearDownClass(cls):
        if getattr(cls, "cluster", None):
            cls.cluster.stop()

    def setUp(self):
        self.api, self.ns = self.cluster.api, "default"

    def test_a_missing_kind_parks_its_plugin_and_it_goes_on_when_the_kind_appears(self):
        self.controller = c = Controller(self.cluster).start()
        status, text = c.probe("/readyz")
        self.assertEqual(200, status)
        for plugin in ("claim", "template", "warmpool"):
            self.assertIn(plugin, text)
        self.sandbox()
        self.eventually(lambda: self.get("pods", "sb"), "Sandboxes are served meanwhile")
        self.cluster.apply(os.path.join(ROOT, "deploy", "extensions.yaml"))
        self.template()
        self.claim()
        self.eventually(lambda: self.get("sandboxes", "claim"), "claims are served", 40)
        self.assertEqual(0, c.stop())
