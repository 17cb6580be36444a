"""Requests made up from the server's own OpenAPI document, right ones and wrong ones: none is answered by a fault, and all as it says."""

import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from onward.serve.models import open_all
from onward.serve.settings import Limits
from serving import running

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
)


EXAMPLES = int(os.environ.get("ONWARD_FUZZ", "25"))
"""For each route and kind; a long search asks for more."""
ROUTES = (
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    ("GET", "/health"),
    ("GET", "/metrics"),
)


@pytest.fixture(scope="module")
def quick(tiny_folder):
    """A server whose answers are short, as most of what is made up says nothing about their length."""
    with running(open_all([str(tiny_folder)], device="cpu"), Limits(max_tokens=8)) as up:
        yield up


@pytest.fixture(scope="module")
def document(quick):
    return schemathesis.openapi.from_url(quick.url + "/openapi.json")


def test_the_document_has_these_routes_and_no_others(document):
    assert {(found.ok().method.upper(), found.ok().path) for found in document.get_all_operations()} == set(ROUTES)


TALK = [{"role": "user", "content": "Hello!"}]
HARD = ("response_format", "tools", "tool_choice", "guided_regex", "guided_choice", "logit_bias", "suffix", "best_of")
"""Fields that the document allows in forms without sense: a schema of random words, a tool that is not there."""


def made_to_reach_the_model(case):
    """Nobody would guess the model's name, or a conversation that a template takes; every second request also keeps to what makes sense."""
    if not isinstance(case.body, dict):
        return
    if isinstance(case.body.get("model"), str):
        case.body["model"] = "tiny"
    if case.body.get("messages"):
        case.body["messages"] = TALK
    if len(case.body) % 2:
        for name in HARD:
            case.body.pop(name, None)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_request_is_answered_by_a_fault(document, quick, method, path, mode):
    if mode is GenerationMode.NEGATIVE and method == "GET":
        pytest.skip("there is nothing to get wrong")
    statuses = Counter()

    @given(document[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        if mode is GenerationMode.POSITIVE:
            made_to_reach_the_model(case)
        statuses[case.call_and_validate(checks=CHECKS).status_code] += 1

    ask()
    assert quick.http.get("/health").status_code == 200
    assert quick.engine.pages.used == 0
    if mode is GenerationMode.POSITIVE and method == "POST":
        assert statuses[200], f"some of what the document allows is answered: {statuses}"
