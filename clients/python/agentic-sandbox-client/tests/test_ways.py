# SPDX-License-Identifier: Apache-2.0
"""The ways to a router: a Gateway, kubectl port-forward, a URL."""

import os
import signal
import socket
import threading
import time

import pytest
from agentic_sandbox import (
    Sandbox,
    SandboxClient,
    SandboxGatewayError,
    SandboxTimeoutError,
    SandboxTunnelError,
)
from agentic_sandbox.client import check_url, gateway_url
from agentic_sandbox.deadline import Deadline
from agentic_sandbox.http import Http
from agentic_sandbox.tunnel import Tunnel
from conftest import Plain
from fakerouter import FakeRouter

TEMPLATE = "python-sandbox-template"


# ---- URLs and addresses --------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://a", "https://a:8443", "http://10.0.0.1:8080/", "http://[::1]:80", "http://a.b.c/prefix/"])
def test_urls_of_routers(url):
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize("url", ["a", "ftp://a", "http://", "http://a:x", "http://a:99999", "http://a:0", "http://u:p@a", "http://@a",
                                 "http://a?x", "http://a#x", "http://a b", "http://a\r\nX: y", "file:///etc", "http://\\a", "http://ü",
                                 "http://[::1", "javascript:x"])
def test_what_is_no_url_of_a_router(url):
    with pytest.raises(ValueError):
        SandboxClient("t", api_url=url)


@pytest.mark.parametrize("address, url", [("1.2.3.4", "http://1.2.3.4"), ("10.0.0.1", "http://10.0.0.1"),
                                          ("2001:db9::1", "http://[2001:db9::1]"), ("lb.example.com", "http://lb.example.com")])
def test_addresses_of_gateways(address, url):
    assert gateway_url(address) == url
    assert gateway_url(address, 8080) == url + ":8080"


EVIL = ["127.0.0.1", "127.1", "127.8.8.8", "0", "0.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1", "::1", "::", "[::1]",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254",
        "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1", "64:ff9b::7f00:1", "a b", "a/b",
        "a:80", "u@a", "a\r\nX: y", "a\n", "", ".", "a..b", "-a", "a.1", "ü.example", "a?b", "a#b", "x" * 300]


@pytest.mark.parametrize("address", EVIL)
def test_evil_addresses_of_gateways_are_refused(address):
    with pytest.raises(SandboxGatewayError):
        gateway_url(address)


@pytest.mark.parametrize("name", ["localhost", "localhost.localdomain"])
def test_a_name_that_leads_to_this_machine_is_refused_before_anything_is_sent(router, name, within):
    plain = Plain("http://%s:%d" % (name, router.port))
    try:
        socket.getaddrinfo(name, 80)
    except OSError:
        pytest.skip("no such name here")
    plain._http = Http(lambda deadline: "http://%s:%d" % (name, router.port), dict, outside=True)
    with within(2), pytest.raises(SandboxGatewayError):
        plain.run("x")
    assert router.requests == [] and not router.open


def test_ports_and_tokens_that_are_none():
    for more in ({"server_port": 0}, {"server_port": 65536}, {"router_token": "a\r\nX: y"}, {"router_token": "ü"}, {"router_token": ""}):
        with pytest.raises(ValueError):
            SandboxClient("t", **more)
    with pytest.raises(ValueError):
        SandboxClient("")


# ---- a Gateway -----------------------------------------------------------------------------------


@pytest.fixture
def through(world, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", world.kubeconfig)
    world.proxy.rule = None
    names = []

    def gateway(name, address=None, port=None):
        body = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name}, "spec": {
            "listeners": [{"name": "s", "protocol": "HTTPS", "port": 443}] + [{"name": "h", "protocol": "HTTP", "port": port}] * bool(port)}}
        path = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways"
        if name not in names:
            names.append(name)
            world.api.call("POST", path, body)
        if address is not None:
            world.api.call("PATCH", path + "/" + name + "/status", {"status": {"addresses": [{"value": address}]}},
                           "application/merge-patch+json")
    yield gateway
    for name in names:
        world.api.call("DELETE", "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/" + name)
    assert world.claims() == []


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("203.0.113.1", 9))
        except OSError:
            return None
        address = s.getsockname()[0]
    return None if address.startswith(("127.", "169.254.")) else address


def test_a_gateway_that_gets_its_address_later(through):
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    router = FakeRouter(address)
    through("g", port=router.port)
    threading.Timer(1, lambda: through("g", address, router.port)).start()
    try:
        with SandboxClient(TEMPLATE, gateway_name="g", gateway_ready_timeout=20) as sandbox:
            assert sandbox.base_url == router.url
            assert sandbox.run("x").stdout == "x\n"
    finally:
        router.stop()


def test_a_gateway_that_is_made_later_or_never(through, within):
    with within(10), pytest.raises(SandboxTimeoutError, match="Gateway 'none' in namespace 'default' has no address"):
        SandboxClient(TEMPLATE, gateway_name="none", gateway_ready_timeout=1).open()


def test_a_gateway_with_an_evil_address_gets_nothing(through, router):
    for number, address in enumerate(["127.0.0.1", "169.254.169.254", "localhost", "2130706433"]):
        through("evil-%d" % number, address, router.port)
        client = SandboxClient(TEMPLATE, gateway_name="evil-%d" % number)
        with pytest.raises(SandboxGatewayError):
            with client as sandbox:
                sandbox.run("x")
    assert router.requests == []


# ---- kubectl -------------------------------------------------------------------------------------


def gone(pid):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_tunnel_to_the_router(kubectl, through, router):
    with SandboxClient(TEMPLATE) as sandbox:
        pid = sandbox._tunnel._forward._child.pid
        assert sandbox.base_url.startswith("http://127.0.0.1:") and sandbox.run("x").stdout == "x\n"
    assert kubectl.argv() == ["port-forward --namespace default --address 127.0.0.1 svc/sandbox-router-svc :8080"]
    assert gone(pid) and sandbox.base_url is None
    assert [each.path for each in router.requests] == ["/healthz", "/execute"]


def test_a_tunnel_to_the_pod(kubectl, through, router):
    with Sandbox(template_name=TEMPLATE, namespace="default") as sandbox:
        name = sandbox.sandbox_name
        sandbox.write("f", "x")
        assert sandbox.read("f") == b"x"
    assert kubectl.argv() == ["port-forward --namespace default --address 127.0.0.1 pod/%s :8888" % name]
    assert router.of("/upload")[0].headers["X-Sandbox-ID"] is None


def tunnel_client(tunnel):
    plain = Plain("")
    plain._http = Http(tunnel.base, dict)
    return plain


def test_a_tunnel_that_died_is_brought_up_again_and_no_command_sent_twice(kubectl, router):
    tunnel = Tunnel("default", "svc/x", 80)
    plain = tunnel_client(tunnel)
    try:
        for i in range(3):
            assert plain.run(str(i)).stdout == "%d\n" % i
            child = tunnel._forward._child
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    finally:
        tunnel.close()
    assert router.count("POST") == 3 and len(kubectl.argv()) == 3


def test_a_tunnel_whose_pod_is_not_there_yet(kubectl):
    kubectl("refuse-twice")
    tunnel = Tunnel("default", "svc/x", 80)
    assert tunnel.base(Deadline(60)).startswith("http://127.0.0.1:")
    tunnel.close()
    assert len(kubectl.argv()) == 3


@pytest.mark.parametrize("mode, words", [("refuse", "pod is not running"), ("silent", "it said nothing")])
def test_a_tunnel_that_does_not_come_up_says_why(kubectl, within, mode, words):
    kubectl(mode)
    with within(4), pytest.raises(SandboxTunnelError, match=words):
        Tunnel("default", "svc/x", 80).base(Deadline(1.5))


def test_a_tunnel_with_nothing_behind_it_is_not_up(kubectl, through, within):
    kubectl("dead")
    with within(8), pytest.raises(SandboxTunnelError, match="nothing answers behind it"):
        SandboxClient(TEMPLATE, port_forward_ready_timeout=1.5).open()


def test_words_of_kubectl_that_are_no_text(kubectl):
    kubectl("garbage")
    tunnel = Tunnel("default", "svc/x", 80)
    assert tunnel.base(Deadline(60))
    tunnel.close()


def test_without_kubectl(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxTunnelError, match="needs kubectl"):
        Tunnel("default", "svc/x", 80).base(Deadline(1))


def test_threads_share_a_tunnel(kubectl, router):
    tunnel = Tunnel("default", "svc/x", 80)
    plain, failed = tunnel_client(tunnel), []

    def work():
        try:
            plain.exists("x", timeout=60)
        except Exception as error:
            failed.append(error)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tunnel.close()
    assert failed == [] and len(kubectl.argv()) == 1
