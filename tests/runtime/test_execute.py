# SPDX-License-Identifier: Apache-2.0
"""POST /execute: what is run, how it ends, what comes back, and what is left of it."""

import json
import os
import threading
import time

from health import Health, Witness
from server import until

FAILED = "Failed to execute command: "
JSON = {"Content-Type": "application/json"}


def execute(server, command, **more):
    answer = server.request("POST", "/execute", json.dumps({"command": command, **more}).encode(), JSON)
    assert answer.status == 200, answer
    return answer.json


def fails(server, command, why, **more):
    result = execute(server, command, **more)
    assert result == {"stdout": "", "stderr": FAILED + why, "exit_code": 1}, result


def processes(word):
    """Process IDs of those alive that have the word as an argument."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if word.encode() in f.read().split(b"\0"):
                    found.append(pid)
        except OSError:
            pass
    return found


def test_a_command_answers_with_output_and_exit_code(server):
    assert execute(server, "echo 'hello world'") == {"stdout": "hello world\n", "stderr": "", "exit_code": 0}
    assert execute(server, "sh -c 'echo e >&2; exit 3'") == {"stdout": "", "stderr": "e\n", "exit_code": 3}


def test_no_shell_reads_the_command(server):
    assert execute(server, "echo $(id); ls | cat # x")["stdout"] == "$(id); ls | cat # x\n"


def test_what_cannot_run_says_so_as_python_does(server):
    os.mkdir(server.path("folder"))
    server.write("text", b"no program")
    os.chmod(server.path("text"), 0o755)
    fails(server, "", "list index out of range")
    fails(server, " \t\r\n", "list index out of range")
    fails(server, "echo 'a", "No closing quotation")
    fails(server, "echo a\\", "No escaped character")
    fails(server, "echo \0", "embedded null byte")
    fails(server, "nosuchprogram x", "[Errno 2] No such file or directory: 'nosuchprogram'")
    fails(server, "''", "[Errno 13] Permission denied: ''")
    fails(server, "it\\'s", "[Errno 2] No such file or directory: \"it's\"")
    fails(server, "./folder", "[Errno 13] Permission denied: './folder'")
    fails(server, "./text", "[Errno 8] Exec format error: './text'")
    fails(server, "true", "[Errno 2] No such file or directory: '/nosuch'", cwd="/nosuch")
    fails(server, "echo " + "a" * 131072, "[Errno 7] Argument list too long: 'echo'")
    fails(server, "echo " + "a " * 3000000, "[Errno 7] Argument list too long: 'echo'")


def test_an_argument_just_below_the_limit_runs(server):
    assert execute(server, "echo " + "a" * 131071)["stdout"] == "a" * 131071 + "\n"


def test_death_by_a_signal_is_a_negative_code(server):
    assert execute(server, "sh -c 'kill -9 $$'") == {"stdout": "", "stderr": "", "exit_code": -9, "signal": 9}


def test_it_runs_in_the_base_folder_with_nothing_to_read(server):
    assert execute(server, "pwd")["stdout"] == server.base + "\n"
    assert execute(server, "cat") == {"stdout": "", "stderr": "", "exit_code": 0}
    assert execute(server, "sh -c 'ls /proc/self/fd | wc -l'")["stdout"].strip() == "4"


def test_folder_environment_and_input_can_be_given(server):
    os.mkdir(server.path("d"))
    assert execute(server, "pwd", cwd="d")["stdout"] == server.base + "/d\n"
    assert execute(server, "sh -c 'echo $A-$HOME'", env={"A": "é", "HOME": "h"})["stdout"] == "é-h\n"
    assert execute(server, "cat", stdin="a\0b\n")["stdout"] == "a\0b\n"
    fails(server, "true", "illegal environment variable name", env={"A=B": "x"})
    fails(server, "true", "embedded null byte", env={"A": "\0"})


def test_tokens_stay_out_of_the_environment(server):
    assert "SANDBOX_TOKEN" not in execute(server, "env")["stdout"]


test_tokens_stay_out_of_the_environment.server = {"environment": {"SANDBOX_TOKEN_X": "secret"}}


def test_a_folder_with_a_nul_is_no_folder(server):
    os.mkdir(server.path("d"))
    for cwd in ("d\0", "d\0e", "\0", "\0d"):
        fails(server, "pwd", "embedded null byte", cwd=cwd)


def test_what_the_server_was_started_with_ignored_is_not_ignored_by_commands(server):
    server.stop()
    server.__init__()
    server.prefix = ["sh", "-c", 'trap "" HUP INT QUIT PIPE CHLD USR1; exec "$@"', "sh", *type(server).prefix]
    server.start()
    assert execute(server, "grep SigIgn /proc/self/status")["stdout"] == "SigIgn:\t0000000000000000\n"
    assert execute(server, "sh -c 'kill -INT $$'")["signal"] == 2
    assert execute(server, "sh -c 'exit 3'")["exit_code"] == 3
    server.prefix = type(server).prefix


def test_commands_have_manners(server):
    text = execute(server, "sh -c 'cat /proc/self/oom_score_adj; nice; grep -E \"NoNewPrivs|SigBlk|SigIgn\" /proc/self/status'")
    lines = text["stdout"].split()
    assert lines[0] == "1000" and int(lines[1]) >= 5, lines
    assert lines[2:] == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16, "NoNewPrivs:", "1"] or "NoNewPrivs:\t1" in text["stdout"], lines


def test_bytes_that_are_no_text_are_replaced_and_others_kept(server):
    assert execute(server, "printf '\\377a\\303\\251\\r\\n\\000\\033'")["stdout"] == "\ufffdaé\r\n\0\x1b"
    result = execute(server, "sh -c 'printf \"\\342\\202\"; sleep 0.1; printf \"\\254\\360\\237\"'")
    assert result["stdout"] == "€\ufffd", result


def test_much_output_is_cut_and_costs_no_memory(server):
    result = execute(server, "sh -c 'yes é | head -c 50000000'")
    assert result["truncated"] is True and result["exit_code"] == 0
    assert len(result["stdout"].encode()) in range(16 << 20, (16 << 20) + 4)
    assert server.sanitized or server.status("VmHWM") < 24 * 1024, server.status("VmHWM")
    until(lambda: server.sanitized or server.status("VmRSS") < 12 * 1024, "memory is given back")


def test_the_limit_of_output_can_be_set(server):
    result = execute(server, "sh -c 'echo 123456789012345; echo 1234 >&2'")
    assert result == {"stdout": "1234567890", "stderr": "1234\n", "exit_code": 0, "truncated": True}, result


test_the_limit_of_output_can_be_set.server = {"environment": {"SANDBOX_MAX_OUTPUT_BYTES": "10"}}


def timed_out(server, command, seconds=1):
    """The promise is a second more than the timeout; the witness gives another one, on whatever machine."""
    with Witness(seconds + 2) as witness:
        result = execute(server, command, timeout=seconds)
        assert not witness.has_ended(), "it took a second too long"
    assert result["exit_code"] == 124 and result["timed_out"] is True, result
    assert result["stderr"] == f"Command timed out after {seconds} seconds", result


def test_a_timeout_ends_the_whole_tree(server):
    mark = server.mark
    trees = [f"sleep {mark}", f"sh -c 'setsid sleep {mark} & sleep {mark}'",
             f"sh -c '(setsid sh -c \"sleep {mark} & sleep {mark}\" &); sleep {mark}'",
             f"sh -c 'env -i setsid -f sleep {mark}; kill -STOP $$'",
             f"sh -c 'trap \"\" TERM INT HUP; sleep {mark} & wait; wait; sleep {mark}'"]
    for tree in trees:
        timed_out(server, tree)
        assert processes(mark) == [], tree


def test_a_timeout_of_the_server_counts_where_a_request_has_none(server):
    result = execute(server, "sleep 60")
    assert result["stderr"] == "Command timed out after 1 seconds", result


test_a_timeout_of_the_server_counts_where_a_request_has_none.server = {"environment": {"SANDBOX_EXEC_TIMEOUT_SECONDS": "1"}}


def test_a_command_that_closes_its_output_runs_on(server):
    begin = time.monotonic()
    assert execute(server, "sh -c 'exec >&- 2>&-; sleep 0.5; exit 4'")["exit_code"] == 4
    assert time.monotonic() - begin >= 0.5


def test_what_goes_on_in_the_background_does_not_delay_the_answer(server):
    assert execute(server, f"sh -c 'sleep {server.mark} & echo x'")["stdout"] == "x\n"
    mark = server.mark
    assert len(processes(mark)) == 1, "it lives on"
    server.stop()
    until(lambda: processes(mark) == [], "it ends with the server")
    server.__init__()
    server.start()


def test_every_orphan_is_reaped(server):
    for _ in range(20):
        execute(server, "sh -c 'for i in 1 2 3 4 5; do (sleep 0.01 &) ; done'")

    def children():
        with open(f"/proc/{server.child.pid}/task/{server.child.pid}/children") as f:
            own = f.read().split()
        return own
    until(lambda: children() == [], lambda: f"no children: {children()}")


def test_many_at_once_answer_all_and_health_stays_quick(server):
    socks = []
    body = json.dumps({"command": "sleep 1"}).encode()
    for _ in range(300):
        sock = server.connect()
        sock.sendall(server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body)
        socks.append(sock)
    with Health(server) as health:
        for sock in socks:
            with sock:
                assert server.receive(sock).json["exit_code"] == 0
    health.check()
    until(lambda: server.descriptors() < 40, lambda: f"descriptors are given back: {server.descriptors()}")


def test_very_many_short_commands_end_beside_each_other(server):
    request = server.head("POST", "/execute", {**JSON, "Content-Length": 23}) + b'{"command":"/bin/true"}'
    wrong = []

    def run():
        with server.connect() as sock:
            for _ in range(200):
                sock.sendall(request)
                answer = server.receive(sock)
                if answer.json != {"stdout": "", "stderr": "", "exit_code": 0}:
                    wrong.append(answer)
    workers = [threading.Thread(target=run) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong and server.child.poll() is None, (wrong[:3], server.child.poll())
    server.check()
    until(lambda: server.descriptors() < 40, lambda: f"descriptors are given back: {server.descriptors()}")


def test_a_client_that_goes_away_does_not_stop_its_command(server):
    body = json.dumps({"command": "sh -c 'touch begun; sleep 0.3; touch done'"}).encode()
    with server.connect() as sock:
        sock.sendall(server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body)
        until(lambda: os.path.exists(server.path("begun")), "the command runs")
    until(lambda: os.path.exists(server.path("done")), "the command ends")


def test_a_base_folder_that_is_gone_is_an_error_of_the_command(server):
    os.rename(server.base, server.base + "-x")
    fails(server, "true", f"[Errno 2] No such file or directory: '{server.base}'")


def detail(server, body, headers=JSON):
    answer = server.request("POST", "/execute", body, headers)
    return answer.status, answer.json["detail"]


def test_bodies_that_do_not_fit_are_told_as_fastapi_does(server):
    assert detail(server, b"{}") == (422, [{"type": "missing", "loc": ["body", "command"], "msg": "Field required", "input": {}}])
    assert detail(server, b'{"command":1}') == (422, [{"type": "string_type", "loc": ["body", "command"],
                                                       "msg": "Input should be a valid string", "input": 1}])
    for value, kind in ((0, "greater_than"), (-1, "greater_than"), (5.5, "int_from_float"), ("x", "int_parsing"), ([], "int_type"),
                        (False, "greater_than"), (1e30, "int_parsing_size")):
        status, errors = detail(server, json.dumps({"command": "true", "timeout": value}).encode())
        assert (status, errors[0]["type"], errors[0]["loc"]) == (422, kind, ["body", "timeout"]), (value, errors)
    for value in (5, 5.0, "5", " 5 ", "5.0", "+5", "5_0", True, None, 10**30):
        assert execute(server, "true", timeout=value)["exit_code"] == 0, value


def test_bodies_that_are_no_json_are_told_as_fastapi_does(server):
    for body, position, why in ((b'{"command":"x",}', 15, "Expecting property name enclosed in double quotes"),
                                (b'{"a":"\xc3\xa9" "b"}', 9, "Expecting ',' delimiter"), (b"{} x", 3, "Extra data"),
                                (b'{"a":"b\x01"}', 7, "Invalid control character at"), (b'{"a":01}', 6, "Expecting ',' delimiter")):
        assert detail(server, body) == (422, [{"type": "json_invalid", "loc": ["body", position], "msg": "JSON decode error",
                                               "input": {}, "ctx": {"error": why}}])
    for body in (b"\xff{}", b'{"command":"true","a":' + b"[" * 100000):
        assert detail(server, body) == (400, "There was an error parsing the body")
    assert detail(server, b"", {})[0] == 422
    assert detail(server, b'{"command":"true"}', {"Content-Type": "text/plain"})[0] == 422


def test_long_names_of_variables_are_told_too(server):
    def told(env):
        status, errors = detail(server, json.dumps({"command": "true", "env": env}).encode())
        assert status == 422 and errors[0]["type"] == "string_type" and errors[0]["loc"][:2] == ["body", "env"], (status, errors[:1])
        return errors
    assert told({"k" * 200: 1})[0]["loc"] == ["body", "env", "k" * 200]
    assert told({"k" * 1000: 1})[0]["loc"][2].startswith("k" * 200)
    told({"k" * 3000000: 1})
    told({"\0" * 400000: 1})
    assert len(told({f"{i}" * 1000: ["x" * 10000] for i in range(90)})) > 1
    assert len(told({f"{i}": i for i in range(1000)})) == 100


def test_odd_json_that_is_fine_runs(server):
    for body in (b'\xef\xbb\xbf{"command":"true"}', b'{"command":"x","command":"true"}', b'{"comm\\u0061nd":"true"}',
                 b'{"command":"true","n":NaN,"m":1e999,"k":-Infinity}', b'{"command":"true","a":' + b"[" * 400 + b"]" * 400 + b"}"):
        answer = server.request("POST", "/execute", body, JSON)
        assert answer.status == 200 and answer.json["exit_code"] == 0, (body, answer)


def test_a_body_of_very_many_values_costs_no_memory(server):
    answer = server.request("POST", "/execute", b'{"command":"true","a":[' + b"[]," * 2700000 + b"1]}", JSON)
    assert answer.status == 200 and answer.json["exit_code"] == 0, answer
    assert server.sanitized or server.status("VmHWM") < 64 * 1024, server.status("VmHWM")
