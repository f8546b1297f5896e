# SPDX-License-Identifier: Apache-2.0
"""Logging in to the API server: tokens that change while a sandbox is open, and tokens that nobody may see."""

import base64
import http.client
import json
import logging
import os
import ssl
import stat
import subprocess
import traceback

import pytest
from agentic_sandbox import SandboxClient, SandboxError, SandboxKubernetesError, SandboxRequestError
from agentic_sandbox import base, credentials, kube, kubeconfig
from fakerouter import answer

HERE = os.path.dirname(os.path.abspath(__file__))
SECRET = "s3cret-of-the-user"
PLUGIN = """#!/bin/sh
echo run >>'%(folder)s/runs'
cat '%(folder)s/credential'
echo 'I know %(secret)s' >&2
exit $(cat '%(folder)s/status' 2>/dev/null || echo 0)
"""


@pytest.fixture
def log_in(tmp_path, monkeypatch, fake_api, router):
    """Opens a client as that user of the kubeconfig."""
    def make(user, **more):
        monkeypatch.setenv("KUBECONFIG", fake_api.kubeconfig(tmp_path / "config", user, **more.pop("cluster", {})))
        client = SandboxClient("t", api_url=router.url, sandbox_ready_timeout=more.pop("ready", 30), **more)
        client.open()
        return client
    return make


@pytest.fixture
def in_cluster(tmp_path, monkeypatch, fake_api):
    """A pod's service account, whose API server speaks HTTP."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", fake_api.url.rpartition(":")[2])
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", str(tmp_path))
    real = kubeconfig._service_account

    def over_http():
        place = real()
        place.cluster = {"server": fake_api.url}
        return place
    monkeypatch.setattr(kubeconfig, "_service_account", over_http)
    return tmp_path / "token"


@pytest.fixture
def plugin(tmp_path):
    script = tmp_path / "plugin"
    script.write_text(PLUGIN % {"folder": tmp_path, "secret": SECRET})
    script.chmod(script.stat().st_mode | stat.S_IXUSR)

    def gives(**status):
        (tmp_path / "credential").write_text(json.dumps(
            {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
    gives.user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}}
    gives.runs = lambda: len((tmp_path / "runs").read_text().splitlines())
    return gives


# ---- tokens that change --------------------------------------------------------------------------


def rotated(client, fake_api, change):
    """The server takes the new token alone, from the next request on."""
    fake_api.accepts = {"Bearer two"}
    change()
    assert client.is_ready()
    client.close()
    assert fake_api.claims == {} and fake_api.tokens()[-1] == "Bearer two"


@pytest.mark.parametrize("end", ["", "\n", " \r\n\n"])
def test_a_token_file_is_read_anew_after_a_401(log_in, fake_api, tmp_path, end):
    file = tmp_path / "token"
    file.write_text("one" + end)
    client = log_in({"tokenFile": "token"})
    assert fake_api.tokens()[0] == "Bearer one"
    rotated(client, fake_api, lambda: file.write_text("two" + end))


def test_a_service_account_token_is_read_anew_after_a_401(in_cluster, fake_api, router):
    in_cluster.write_text("one\n")
    client = SandboxClient("t", api_url=router.url)
    client.open()
    assert fake_api.tokens()[0] == "Bearer one"
    rotated(client, fake_api, lambda: in_cluster.write_text("two\n"))


def test_a_plugin_is_asked_again_after_a_401_and_not_before(log_in, fake_api, plugin, monkeypatch):
    monkeypatch.setattr(credentials, "RENEW_SECONDS", 0)
    plugin(token="one")
    client = log_in(plugin.user)
    assert client.is_ready() and plugin.runs() == 1
    rotated(client, fake_api, lambda: plugin(token="two"))
    assert plugin.runs() == 2


def test_a_plugin_is_asked_again_when_its_token_has_run_out(log_in, fake_api, plugin, monkeypatch):
    monkeypatch.setattr(credentials, "RENEW_SECONDS", 0)
    plugin(token="one", expirationTimestamp="2020-01-01T00:00:00Z")
    client = log_in(plugin.user)
    plugin(token="two", expirationTimestamp="2120-01-01T00:00:00.123456789+02:00")
    assert client.is_ready()
    runs = plugin.runs()
    client.close()
    assert plugin.runs() == runs and fake_api.tokens()[-1] == "Bearer two"


def test_a_token_file_is_read_anew_with_its_age(log_in, fake_api, tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "REREAD_SECONDS", 0)
    (tmp_path / "token").write_text("one")
    client = log_in({"tokenFile": str(tmp_path / "token"), "token": "of the past"})
    (tmp_path / "token").write_text("two")
    client.close()
    assert fake_api.tokens()[0] == "Bearer one" and fake_api.tokens()[-1] == "Bearer two"
    assert 0 < len(fake_api.seen) <= 4 and fake_api.claims == {}


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_token_file_in_the_middle_of_its_replacement_does_not_count(log_in, fake_api, tmp_path, monkeypatch, content):
    monkeypatch.setattr(credentials, "REREAD_SECONDS", 0)
    (tmp_path / "token").write_text("one")
    client = log_in({"tokenFile": "token"})
    if content is None:
        (tmp_path / "token").unlink()
    else:
        (tmp_path / "token").write_text(content)
    client.close()
    assert fake_api.claims == {}


def test_a_claim_is_deleted_once_the_new_token_is_there(log_in, fake_api, tmp_path, monkeypatch):
    """The kubelet may be later than the API server: the first 401s come while the file has the old token still."""
    monkeypatch.setattr(credentials, "RENEW_SECONDS", 0)
    (tmp_path / "token").write_text("one")
    client = log_in({"tokenFile": "token"})
    fake_api.accepts = {"Bearer two"}
    refused = [0]
    look = credentials._token_file

    def later(path):
        refused[0] += 1
        if refused[0] == 3:
            (tmp_path / "token").write_text("two")
        return look(path)
    monkeypatch.setattr(credentials, "_token_file", later)
    client.close()
    assert fake_api.claims == {}


def test_a_401_that_stays_is_told(log_in, fake_api, tmp_path):
    (tmp_path / "token").write_text("one")
    fake_api.accepts = set()
    with pytest.raises(SandboxKubernetesError) as raised:
        log_in({"tokenFile": "token"})
    assert raised.value.status == 401 and len(fake_api.seen) == 2


def test_basic_auth_and_no_auth(log_in, fake_api):
    log_in({"username": "u", "password": "p"}).close()
    assert set(fake_api.tokens()) == {"Basic " + base64.b64encode(b"u:p").decode()}
    fake_api.seen.clear()
    log_in({}).close()
    assert set(fake_api.tokens()) == {None}


# ---- certificates --------------------------------------------------------------------------------


def certificate(folder, name):
    if subprocess.call(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".crt",
                        "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"], cwd=str(folder),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0:
        pytest.skip("no openssl")
    return (folder / (name + ".crt")).read_bytes(), (folder / (name + ".key")).read_bytes()


@pytest.fixture
def https(fake_api, tmp_path):
    """The API server over TLS; .names() are those of the certificates that clients showed."""
    certificate(tmp_path, "server")
    names = [certificate(tmp_path, name) and name for name in ("one", "two")]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(tmp_path / "server.crt"), str(tmp_path / "server.key"))
    context.verify_mode = ssl.CERT_REQUIRED
    for name in names:
        context.load_verify_locations(str(tmp_path / (name + ".crt")))
    shown = []
    fake_api.server.socket = context.wrap_socket(fake_api.server.socket, server_side=True)
    real = fake_api.server.get_request

    def get_request():
        connection, address = real()
        shown.append(dict(each[0] for each in connection.getpeercert()["subject"])["commonName"])
        return connection, address
    fake_api.server.get_request = get_request
    fake_api.url = fake_api.url.replace("http:", "https:")
    fake_api.names = lambda: shown
    return fake_api


def encoded(path):
    return base64.b64encode(path.read_bytes()).decode()


def test_a_client_certificate_that_is_replaced_is_used(log_in, https, tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "REREAD_SECONDS", 0)
    for kind in ("crt", "key"):
        (tmp_path / ("mine." + kind)).write_bytes((tmp_path / ("one." + kind)).read_bytes())
    client = log_in({"client-certificate": "mine.crt", "client-key": "mine.key"},
                    cluster={"certificate-authority-data": encoded(tmp_path / "server.crt")})
    (tmp_path / "mine.crt").write_bytes((tmp_path / "two.crt").read_bytes())
    # Half of a replacement: the old pair is used on.
    assert client.is_ready()
    (tmp_path / "mine.key").write_bytes((tmp_path / "two.key").read_bytes())
    client.close()
    assert https.names() == ["one", "two"] and https.claims == {}


@pytest.mark.parametrize("cluster, taken", [({}, True), ({"tls-server-name": "127.0.0.1"}, True), ({"tls-server-name": "other.example"}, False),
                                            ({"certificate-authority-data": None}, False),
                                            ({"certificate-authority-data": None, "insecure-skip-tls-verify": True}, True)])
def test_a_server_shows_the_certificate_that_the_kubeconfig_asks_for(log_in, https, tmp_path, monkeypatch, cluster, taken):
    monkeypatch.setattr(kube, "DELETE_SECONDS", 0.5)
    # What is left of a refusal is nobody's to delete at the end.
    monkeypatch.setattr(base, "_open_clients", set())
    user = {"client-certificate": "one.crt", "client-key": "one.key"}
    cluster = dict({"certificate-authority-data": encoded(tmp_path / "server.crt")}, **cluster)
    if taken:
        log_in(user, cluster=cluster).close()
    else:
        with pytest.raises(SandboxKubernetesError, match="cannot create"):
            log_in(user, cluster=cluster, ready=1)
    assert bool(https.seen) == taken and https.claims == {}


def test_data_of_a_kubeconfig_leaves_no_files_and_needs_none(log_in, https, tmp_path, monkeypatch):
    """Neither a child's end nor that of the process takes away what a later connection needs."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    client = log_in({"client-certificate-data": encoded(tmp_path / "one.crt"), "client-key-data": encoded(tmp_path / "one.key")},
                    cluster={"certificate-authority-data": encoded(tmp_path / "server.crt")})
    assert os.listdir(str(scratch)) == []
    client._kube._server._made.api.rest_client.pool_manager.clear()
    assert client.is_ready()
    client.close()


# ---- what nobody may see -------------------------------------------------------------------------


def chain(error):
    """An exception with all that came before it, whether a traceback would show it or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def assert_hidden(error, caplog, *secrets):
    texts = [caplog.text]
    for each in chain(error):
        texts += [str(each), repr(each), repr(each.args), repr(vars(each))]
    shown = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if os.path.dirname(frame.filename) != HERE])
    texts += shown.format()
    for secret in (SECRET,) + secrets:
        for text in texts:
            assert secret not in text


BAD_USERS = {
    "a newline in it": {"token": SECRET + "\nX: y"},
    "a letter that no header has": {"token": SECRET + "\u20ac"},
    "a space in it": {"token": SECRET + " x"},
    "a NUL in it": {"token": SECRET + "\0"},
    "a plugin without a command": {"exec": {"token": SECRET}, "password": SECRET},
    "a plugin that is none": {"exec": {"apiVersion": "v1", "command": "/none", "env": [{"name": "A", "value": SECRET}]}},
    "a key that is none": {"client-key-data": base64.b64encode(SECRET.encode()).decode(), "client-certificate-data": "AAAA"},
    "a provider that is none": {"auth-provider": {"name": "gcp", "config": {"access-token": SECRET, "expiry": SECRET}}},
}


@pytest.mark.parametrize("name", sorted(BAD_USERS))
def test_a_user_that_cannot_log_in_is_told_without_the_secret(log_in, caplog, name):
    caplog.set_level(logging.DEBUG)
    cluster = {"server": "https://127.0.0.1:1"} if "key" in name else {}
    with pytest.raises(SandboxError) as raised:
        log_in(BAD_USERS[name], cluster=cluster)
    assert_hidden(raised.value, caplog)


@pytest.mark.parametrize("text", ["users: [{user: {token: %s}", "users:\n- token: *%s\n", "a: !%s x\n", "%s", "users:\n\t- %s: [",
                                  "current-context: c\nusers: [{user: {token: %s}}]\ncontexts: [{token: %s}]\n"])
def test_a_kubeconfig_that_is_none_is_told_without_what_stands_in_it(tmp_path, monkeypatch, caplog, text):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "config").write_text(text.replace("%s", SECRET))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(SandboxKubernetesError, match="kubeconfig") as raised:
        SandboxClient("t", api_url="http://127.0.0.1:1").open()
    assert_hidden(raised.value, caplog)


@pytest.mark.parametrize("words, status", [("not JSON " + SECRET, 0), ('{"kind": "%s"}' % SECRET, 0), ("", 3)])
def test_a_plugin_that_fails_is_told_without_its_words(log_in, plugin, tmp_path, caplog, words, status):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "credential").write_text(words)
    (tmp_path / "status").write_text(str(status))
    with pytest.raises(SandboxKubernetesError, match="the plugin './plugin'") as raised:
        log_in(plugin.user)
    assert_hidden(raised.value, caplog)


def test_a_plugin_that_does_not_end_is_ended(log_in, tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "PLUGIN_SECONDS", 0.2)
    with pytest.raises(SandboxKubernetesError, match="did not end"):
        log_in({"exec": {"apiVersion": "v1", "command": "sh", "args": ["-c", "sleep 1000 & wait"]}})


def test_a_server_that_repeats_a_token_does_not_make_it_seen(log_in, fake_api, caplog):
    caplog.set_level(logging.DEBUG)
    fake_api.accepts, fake_api.refusal = set(), "I do not know TOKEN"
    with pytest.raises(SandboxKubernetesError, match="I do not know") as raised:
        log_in({"token": SECRET})
    assert SECRET not in str(raised.value) and SECRET not in repr(raised.value)


@pytest.mark.parametrize("token", [SECRET, SECRET + "\n", lambda: SECRET + "\n"])
def test_a_routers_token_is_not_seen(log_in, router, caplog, capsys, monkeypatch, token):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    client = log_in({"token": SECRET}, router_token=token)
    try:
        monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
        client.run("x")
        client.is_ready()
        assert router.requests[-1].headers["Authorization"] == "Bearer " + SECRET
        router.fault = answer(401, {"detail": "Bearer %s is not a token" % SECRET})
        with pytest.raises(SandboxRequestError, match="is not a token") as raised:
            client.run("x")
        assert_hidden(raised.value, caplog)
        assert SECRET not in repr(vars(client))
    finally:
        monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 0)
        client.close()
    said = capsys.readouterr()
    assert SECRET not in said.out and SECRET not in said.err


def test_a_routers_token_may_change(log_in, router):
    tokens = iter(["one", "two"])
    client = log_in({}, router_token=lambda: next(tokens))
    client.run("x")
    client.run("y")
    assert [each.headers["Authorization"] for each in router.of("/execute")] == ["Bearer one", "Bearer two"]
    client.close()


def test_a_routers_token_that_is_none_is_told_without_it(log_in, router, caplog):
    client = log_in({}, router_token=lambda: SECRET + "\r\nX: y")
    with pytest.raises(ValueError, match="router_token") as raised:
        client.run("x")
    assert SECRET not in str(raised.value)
    client.close()


