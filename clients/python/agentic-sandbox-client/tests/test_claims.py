# SPDX-License-Identifier: Apache-2.0
"""The life of a claim on a real API: made once, waited for, deleted whatever happens in between."""

import http.client
import json
import random
import threading
import time

import kubernetes
import pytest
from agentic_sandbox import (
    SandboxCleanupError,
    SandboxClient,
    SandboxClosedError,
    SandboxConnectionError,
    SandboxError,
    SandboxKubernetesError,
    SandboxTimeoutError,
)
from agentic_sandbox import kube as kube_module
from fakerouter import first, reset_after, silent

TEMPLATE = "python-sandbox-template"
CLAIMS = "/apis/extensions.agents.x-k8s.io/v1alpha1/namespaces/default/sandboxclaims"


@pytest.fixture(autouse=True)
def clean(world, monkeypatch):
    """Each test through the proxy, with no claim before it and none after it."""
    monkeypatch.setenv("KUBECONFIG", world.kubeconfig)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    world.proxy.rule = None
    yield
    world.proxy.rule = None
    left = world.claims()
    for name in left:
        world.api.delete("sandboxclaims", "default", name)
    assert left == []


@pytest.fixture
def client(router):
    def make(**more):
        more.setdefault("api_url", router.url)
        more.setdefault("sandbox_ready_timeout", 120)
        return SandboxClient(more.pop("template_name", TEMPLATE), **more)
    return make


def asked(method, times, *what):
    """A rule for the proxy: requests of that method on claims, watches apart."""
    return lambda m, path: what if m == method and path.startswith(CLAIMS) else None


def test_a_sandbox_is_claimed_used_and_given_back(world, client, router):
    with client() as sandbox:
        assert world.claims() == [sandbox.claim_name] and sandbox.claim_name.startswith("sandbox-claim-")
        assert sandbox.is_ready()
        assert sandbox.run("x").stdout == "x\n"
        name = sandbox.sandbox_name
        assert world.api.get("sandboxes", "default", name) is not None
    headers = router.of("/execute")[0].headers
    assert (headers["X-Sandbox-ID"], headers["X-Sandbox-Namespace"], headers["X-Sandbox-Port"]) == (name, "default", "8888")
    assert sandbox.claim_name is None and not sandbox.is_ready()


def test_port_and_token_go_with_each_request(client, router):
    with client(server_port=3000, router_token="secret") as sandbox:
        sandbox.run("x")
    headers = router.of("/execute")[0].headers
    assert (headers["X-Sandbox-Port"], headers["Authorization"]) == ("3000", "Bearer secret")


def test_a_client_opens_closes_and_opens_again(world, client):
    sandbox = client()
    for _ in range(2):
        sandbox.open()
        with pytest.raises(SandboxClosedError):
            sandbox.open()
        sandbox.close()
        sandbox.close()
        with pytest.raises(SandboxClosedError):
            sandbox.run("x")


def test_an_exception_gives_it_back_and_is_not_hidden(client):
    with pytest.raises(KeyError):
        with client():
            raise KeyError("mine")


def test_the_wait_begins_at_the_creates_version(world, client):
    seen = []
    world.proxy.rule = lambda method, path: seen.append((method, path)) and None
    with client():
        pass
    ours = [(m, p) for m, p in seen if p.startswith(CLAIMS)]
    # The create, one watch, the delete: no list, no polling.
    assert [m for m, p in ours] == ["POST", "GET", "DELETE"] and ours[1][1] == CLAIMS


@pytest.mark.parametrize("what", [("reset-before",), ("reset-after",), ("answer", 500, {}, "{}"), ("answer", 503, {}, "oops"),
                                  ("answer", 429, {"Retry-After": "1"}, "{}"), ("answer", 504, {}, "")])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_create_or_delete_that_broke_is_asked_again_and_makes_one_claim(world, client, method, what):
    broken = world.proxy.breaks(asked(method, 2, *what), times=2)
    with client():
        assert len(world.claims()) == 1
    assert len(broken) == 2


@pytest.mark.parametrize("what", [("reset-before",), ("answer", 500, {}, "{}"), ("answer", 200, {}, "not json\n"), ("answer", 200, {}, ""),
                                  ("answer", 200, {}, '{"type":"BOOKMARK"}\n'), ("answer", 200, {}, "[]\n5\n"),
                                  ("answer", 410, {}, '{"kind":"Status","code":410,"reason":"Expired"}'),
                                  ("answer", 200, {}, '{"type":"ERROR","object":{"kind":"Status","code":410}}\n')])
def test_a_watch_that_broke_or_is_too_old_goes_on(world, client, what):
    broken = world.proxy.breaks(asked("GET", 3, *what), times=3)
    with client() as sandbox:
        assert sandbox.is_ready()
    assert len(broken) == 3


def test_connections_cut_during_the_wait(world, client):
    world.template("slow-template", **{"test/delay": "2"})
    ended = threading.Event()

    def cut():
        while not ended.wait(0.2):
            world.proxy.cut()
    threading.Thread(target=cut, daemon=True).start()
    try:
        with client(template_name="slow-template") as sandbox:
            ended.set()
            assert sandbox.run("x").exit_code == 0
    finally:
        ended.set()


def test_a_template_that_is_missing_is_named_in_the_error(client, within):
    with within(8), pytest.raises(SandboxTimeoutError) as raised:
        client(template_name="none", sandbox_ready_timeout=2).open()
    assert "TemplateNotFound" in str(raised.value) and "none" in str(raised.value)


def test_a_sandbox_that_does_not_get_ready_says_why(world, client, within):
    world.template("stuck-template", **{"test/hold": "never-ready"})
    with within(8), pytest.raises(SandboxTimeoutError) as raised:
        client(template_name="stuck-template", sandbox_ready_timeout=2).open()
    assert "is not Ready in time (" in str(raised.value) and "None" not in str(raised.value)


def test_a_claim_deleted_during_the_wait_is_told(world, client, within):
    world.template("deleted-template", **{"test/hold": "never-ready"})

    def delete():
        while not world.claims():
            time.sleep(0.05)
        world.api.delete("sandboxclaims", "default", world.claims()[0])
    threading.Thread(target=delete, daemon=True).start()
    with within(10), pytest.raises(SandboxKubernetesError, match="was deleted"):
        client(template_name="deleted-template").open()


def test_a_refused_create_is_told_at_once_and_nothing_is_deleted(world, client, within, caplog):
    refused = world.proxy.breaks(asked("POST", 1, "answer", 403, {}, json.dumps(
        {"kind": "Status", "message": "user may not create sandboxclaims", "reason": "Forbidden", "code": 403})), times=100)
    seen = []
    with within(3), pytest.raises(SandboxKubernetesError) as raised:
        client().open()
    assert raised.value.status == 403 and "may not create" in str(raised.value) and len(refused) == 1
    assert caplog.text == "" and seen == []


def test_rbac_refuses(world, client, monkeypatch, within):
    if not world.real:
        pytest.skip("there are no rights in local mode")
    world.api.create("serviceaccounts", "default", {"metadata": {"name": "powerless"}})
    monkeypatch.setenv("KUBECONFIG", world.cluster.service_account_kubeconfig("default", "powerless"))
    with within(5), pytest.raises(SandboxKubernetesError) as raised:
        client().open()
    assert raised.value.status == 403


def test_a_name_that_is_taken_is_not_used_and_not_deleted(world, client, monkeypatch):
    world.api.create("sandboxclaims", "default", {"metadata": {"name": "sandbox-claim-aaaaaaaa"},
                                                  "spec": {"sandboxTemplateRef": {"name": "none"}}})
    given = ["aaaaaaaa", "bbbbbbbb"]
    real = kube_module.secrets.token_hex

    class Secrets:
        @staticmethod
        def token_hex(count):
            return given.pop(0) if count == 4 and given else real(count)
    monkeypatch.setattr(kube_module, "secrets", Secrets)
    with client() as sandbox:
        assert sandbox.claim_name == "sandbox-claim-bbbbbbbb"
    assert world.claims() == ["sandbox-claim-aaaaaaaa"]
    world.api.delete("sandboxclaims", "default", "sandbox-claim-aaaaaaaa")


def test_another_claim_of_the_same_name_is_not_deleted(world, client):
    with client() as sandbox:
        name = sandbox.claim_name
        world.api.delete("sandboxclaims", "default", name)
        while world.api.get("sandboxclaims", "default", name):
            time.sleep(0.05)
        world.api.create("sandboxclaims", "default", {"metadata": {"name": name}, "spec": {"sandboxTemplateRef": {"name": "none"}}})
    assert world.claims() == [name]
    world.api.delete("sandboxclaims", "default", name)


def test_a_create_that_arrives_after_its_delete_is_deleted_too(world, client, monkeypatch):
    """Interrupted when the request is on its way: the API server gets it later than the first look for the claim."""
    real = world.proxy._request
    late = []

    def hold(reader, writer, sock, server):
        return real(reader, writer, sock, server)
    sandbox = client()
    created = kube_module.kubernetes.client.CustomObjectsApi.create_namespaced_custom_object

    def interrupted(self, group, version, namespace, plural, body, **more):
        def send():
            time.sleep(1)
            world.api.create("sandboxclaims", "default", body)
            late.append(body["metadata"]["name"])
        thread = threading.Thread(target=send)
        thread.start()
        raise KeyboardInterrupt
    monkeypatch.setattr(kube_module.kubernetes.client.CustomObjectsApi, "create_namespaced_custom_object", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sandbox.open()
    monkeypatch.setattr(kube_module.kubernetes.client.CustomObjectsApi, "create_namespaced_custom_object", created)
    assert len(late) == 1 and world.claims() == []


def test_a_delete_that_cannot_be_done_is_told_and_can_be_repeated(world, client, monkeypatch):
    monkeypatch.setattr(kube_module, "DELETE_SECONDS", 1.0)
    sandbox = client()
    sandbox.open()
    world.proxy.breaks(asked("DELETE", 1, "answer", 500, {}, '{"message": "broken"}'), times=1000)
    with pytest.raises(SandboxCleanupError) as raised:
        sandbox.close()
    assert sandbox.claim_name in str(raised.value) and "broken" in str(raised.value)
    world.proxy.rule = None
    sandbox.close()
    assert sandbox.claim_name is None


def test_a_failed_delete_does_not_hide_the_first_error(world, client, monkeypatch, caplog):
    monkeypatch.setattr(kube_module, "DELETE_SECONDS", 0.5)
    sandbox = client()
    with pytest.raises(KeyError):
        with sandbox:
            world.proxy.breaks(asked("DELETE", 1, "answer", 500, {}, "{}"), times=1000)
            raise KeyError("mine")
    assert "is left behind" in caplog.text
    world.proxy.rule = None
    sandbox.close()


def test_no_api_server_is_told(client, monkeypatch, tmp_path, world, within):
    with open(world.kubeconfig) as f:
        text = f.read()
    (tmp_path / "config").write_text(text.replace(world.proxy.url, "https://127.0.0.1:1"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(kube_module, "DELETE_SECONDS", 1.0)
    sandbox = client(sandbox_ready_timeout=1)
    with within(6), pytest.raises(SandboxKubernetesError, match="cannot reach the API server"):
        sandbox.open()
    monkeypatch.setattr(kube_module.Kube, "delete", lambda self, claim: None)
    sandbox.close()


def test_no_kubeconfig_is_told(client, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(SandboxKubernetesError, match="no kubeconfig"):
        client().open()


def test_the_applications_own_kubernetes_client_is_left_as_it_is(client):
    before = kubernetes.client.Configuration.get_default_copy().host
    with client():
        assert kubernetes.client.Configuration.get_default_copy().host == before


def test_the_router_that_fails_does_not_keep_the_claim(client, router):
    router.fault = reset_after(3)
    with pytest.raises(SandboxConnectionError):
        with client() as sandbox:
            sandbox.run("x")


def random_rule(dice):
    """Faults of the API server, at random."""
    def rule(method, path):
        if dice.random() > 0.3:
            return None
        return dice.choice([("reset-before",), ("reset-after",), ("answer", 500, {}, "{}"), ("answer", 429, {}, "{}"),
                            ("answer", 200, {}, "no json") if method == "GET" else ("reset-before",)])
    return rule


def test_rounds_of_random_faults_leave_no_claim(world, client, router, request, monkeypatch):
    rounds = request.config.getoption("--rounds")
    for number in range(rounds):
        dice = random.Random(number)
        world.proxy.rule = random_rule(dice)
        router.fault = first(5, dice.choice([reset_after(dice.randrange(200)), silent]), lambda each: dice.random() < 0.3)
        ended = threading.Event()

        def cut():
            while not ended.wait(dice.random()):
                world.proxy.cut()
        thread = threading.Thread(target=cut, daemon=True)
        thread.start()
        try:
            with client(sandbox_ready_timeout=dice.choice([0.5, 2, 20])) as sandbox:
                sandbox.write("f", b"x", timeout=2)
                sandbox.run("x", timeout=1)
                sandbox.read("f", timeout=2)
        except SandboxError:
            pass
        finally:
            ended.set()
            thread.join()
        assert world.claims() == [], number
