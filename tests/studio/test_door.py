"""The door: who may come in, and what can be had through it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from onward.serve.gate import State
from onward.studio.door import WRONG, Door


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "localhost:7860", "[::1]:7860", "[::1]"])
def test_this_machines_own_names_are_answered(up, host):
    assert up.http.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "", "10.0.0.5"])
@pytest.mark.parametrize("path", ["/studio/", "/v1/models", "/health", "/"])
def test_another_name_for_this_machine_is_refused(up, host, path):
    assert up.http.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "path", ["/studio/gradio_api/queue/join", "/v1/chat/completions", "/studio/gradio_api/run/say"]
)
def test_another_sites_scripts_and_forms_are_refused(up, path):
    assert up.http.post(path, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert up.http.post(path, json={}, headers={"Origin": "null"}).status_code == 403


def test_a_browser_is_told_to_fetch_from_here_alone(up):
    policy = up.http.get("/studio/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/studio/gradio_api/file={secret}",
        "/studio/gradio_api/file%3D{secret}",
        "/studio/file={secret}",
        "/studio/gradio_api/file/{secret}",
        "/studio/gradio_api/file=../secret.txt",
        "/studio/static/../../../../secret.txt",
        "/studio/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.txt",
        "/studio/assets/..%2f..%2f..%2fsecret.txt",
        "/studio/assets/{secret}",
        "/studio/theme.css/../{secret}",
        "/studio-report/..",
        "/studio-report/%2e%2e",
        "/studio-report/..%2f",
        "/studio-report/small/..",
        "/studio-report/small/%2e%2e",
        "/studio-report/small/%2e%2e%2f%2e%2e",
        "/studio-report/{secret}",
        "/studio-report/%2e%2e/small",
        "/studio-report/small/base",
    ],
)
def test_no_path_leads_out_of_the_runs(up, runs, path):
    answer = up.http.get(path.format(secret=runs.parent / "secret.txt"))
    assert "nobody" not in answer.text
    assert answer.status_code in (307, 400, 403, 404)


def test_nothing_can_be_uploaded(up):
    assert up.http.post("/studio/gradio_api/upload", files={"files": b"x"}).status_code == 404


def test_a_report_is_shown_without_its_scripts(up):
    answer = up.http.get("/studio-report/small")
    assert "the report" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "allow-scripts" not in answer.headers["content-security-policy"]


PASSWORD = "correct horse"


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "path", ["/", "/studio/", "/v1/models", "/health", "/metrics", "/studio-report/small", "/favicon.ico", "/docs"]
)
def test_with_a_password_nothing_is_shown_without_it(start: Callable, path):
    up = start(password=PASSWORD)
    for given in (None, _basic("wrong")):
        answer = up.http.get(path, headers={"Authorization": given} if given else {})
        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"].startswith("Basic")
    for given in (_basic(PASSWORD), f"Bearer {PASSWORD}"):
        assert up.http.get(path, headers={"Authorization": given, "Host": "192.168.0.9"}).status_code in (200, 307)


@pytest.mark.parametrize("given", [_basic(""), "Basic !!!", "Bearer wrong", "Basic", _basic(PASSWORD)[:-3]])
def test_a_wrong_password_is_answered_late(start: Callable, given):
    up, began = start(password=PASSWORD), time.monotonic()
    assert up.http.get("/health", headers={"Authorization": given}).status_code == 401
    assert time.monotonic() - began >= WRONG


async def _nothing(*_: object) -> None:
    raise AssertionError("it came through")


def test_websockets_are_closed_at_once():
    import asyncio

    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(Door(_nothing, None, State())({"type": "websocket", "path": "/studio/", "headers": []}, _nothing, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
