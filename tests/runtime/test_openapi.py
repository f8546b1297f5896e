# SPDX-License-Identifier: Apache-2.0
"""GET /openapi.json and /docs: the description is whole, names what FastAPI named, and the server does what it says."""

import re


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_description_is_whole(server):
    answer = server.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    api = answer.json
    assert api["openapi"].startswith("3.1.")
    assert set(api["info"]) >= {"title", "version"}
    schemas = api["components"]["schemas"]
    for reference in references(api):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    operations = [op for methods in api["paths"].values() for op in methods.values()]
    assert len({op["operationId"] for op in operations}) == len(operations)
    for op in operations:
        assert op["summary"] and op["responses"], op
        assert all(r["description"] for r in op["responses"].values()), op


def test_it_names_what_fastapi_named(server):
    api = server.get("/openapi.json").json
    assert set(api["components"]["schemas"]) >= {
        "Body_upload_file_upload_post", "ExecuteRequest", "ExecuteResponse", "ExecuteStreamRequest", "HTTPValidationError",
        "ValidationError"}
    assert {(path, method) for path, methods in api["paths"].items() for method in methods} == {
        ("/", "get"), ("/execute", "post"), ("/execute/stream", "post"), ("/upload", "post"),
        ("/download/{file_path}", "get"), ("/list/{file_path}", "get"), ("/exists/{file_path}", "get")}
    request = api["components"]["schemas"]["ExecuteRequest"]
    assert (set(request["properties"]), request["required"]) == ({"command", "timeout"}, ["command"])
    response = api["components"]["schemas"]["ExecuteResponse"]
    assert response["required"] == ["stdout", "stderr", "exit_code"]


def test_every_route_of_it_is_served(server):
    for path, methods in server.get("/openapi.json").json["paths"].items():
        for method in methods:
            answer = server.request(method.upper(), path.replace("{file_path}", "none"))
            assert answer.status != 405 and answer.body != b'{"detail":"Not Found"}', (method, path, answer)
            assert str(answer.status) in methods[method]["responses"], (method, path, answer)


def test_the_page_needs_nothing_from_elsewhere(server):
    answer = server.get("/docs")
    assert answer.status == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    text = answer.body.decode()
    assert "openapi.json" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//|@import|url\(""", text)


def test_other_pages_of_fastapi_are_not_there(server):
    assert server.get("/redoc").status == 404
    assert server.get("/redoc").json == {"detail": "Not Found"}


def test_head_is_answered(server):
    for target in ("/docs", "/openapi.json"):
        get, head = server.get(target), server.request("HEAD", target)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(get.body)))
