"""Chats, asked with OpenAI's own client."""

import json

import jsonschema
import openai
import pytest

import onward
from onward.generate.load import beside, open_folder

ASKED = [{"role": "user", "content": "Where does the cat sit?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"place": {"$ref": "#/$defs/place"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
            "required": ["place", "days"],
            "additionalProperties": False,
            "$defs": {"place": {"enum": ["hill", "road", "boat"]}},
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def ask(server, messages=ASKED, model="tiny", **more):
    return server.openai.chat.completions.create(model=model, messages=messages, **{"max_tokens": 12, **more})


def test_the_server_says_what_the_folder_says(server, tiny_folder):
    local = onward.load(tiny_folder)(ASKED, n=3, temperature=1.0, seed=7, max_tokens=12)
    answer = ask(server, n=3, seed=7, temperature=1.0)
    assert [choice.message.content for choice in answer.choices] == [reply.text for reply in local]
    assert [choice.finish_reason for choice in answer.choices] == [reply.finish for reply in local]
    assert answer.usage.completion_tokens == sum(reply.tokens for reply in local)
    assert answer.usage.prompt_tokens == local[0].prompt_tokens
    assert len({choice.message.content for choice in answer.choices}) == 3


def test_our_own_client_reads_it_too(server, tiny_folder):
    there, here = onward.load(f"{server.url}/v1#tiny"), onward.load(tiny_folder)
    asked = {"temperature": 1.0, "seed": 3, "max_tokens": 9, "stop": ["e"], "top_k": 50, "min_p": 0.001}
    assert there(ASKED, **asked)[0] == here(ASKED, **asked)[0]
    assert there.score("", "The cat sat") == pytest.approx(here.score("", "The cat sat"))
    assert there.score("The cat", " sat") == pytest.approx(here.score("The cat", " sat"))
    there._client.close()


def test_what_is_streamed_is_what_is_answered_at_once(server):
    whole = ask(server, n=2, seed=5, logprobs=True, top_logprobs=2)
    texts, told, ends, usage = {0: "", 1: ""}, {0: [], 1: []}, {}, None
    options = {"include_usage": True}
    for event in ask(server, n=2, seed=5, logprobs=True, top_logprobs=2, stream=True, stream_options=options):
        usage = event.usage or usage
        for choice in event.choices:
            texts[choice.index] += choice.delta.content or ""
            told[choice.index] += choice.logprobs.content if choice.logprobs else []
            ends[choice.index] = choice.finish_reason or ends.get(choice.index)
    for choice in whole.choices:
        assert texts[choice.index] == choice.message.content
        assert ends[choice.index] == choice.finish_reason
        assert [one.token for one in told[choice.index]] == [one.token for one in choice.logprobs.content]
    assert usage.completion_tokens == whole.usage.completion_tokens


def test_without_being_asked_a_stream_has_no_usage(server):
    assert all(event.usage is None and event.choices for event in ask(server, stream=True))


def test_a_stop_string_is_not_said_whether_streamed_or_not(server):
    text = ask(server, seed=1, temperature=0.7, max_tokens=30).choices[0].message.content
    stop = text[6:9]
    cut = ask(server, seed=1, temperature=0.7, max_tokens=30, stop=stop).choices[0]
    assert (cut.message.content, cut.finish_reason) == (text[: text.index(stop)], "stop")
    pieces = ask(server, seed=1, temperature=0.7, max_tokens=30, stop=[stop], stream=True)
    assert "".join(e.choices[0].delta.content or "" for e in pieces) == cut.message.content


def test_log_probabilities_have_tokens_bytes_and_alternatives(server):
    choice = ask(server, temperature=0, logprobs=True, top_logprobs=3).choices[0]
    for told in choice.logprobs.content:
        assert len(told.top_logprobs) == 3
        assert told.logprob == max(one.logprob for one in told.top_logprobs), "at temperature 0 the likeliest is said"
    said = b"".join(bytes(told.bytes) for told in choice.logprobs.content)
    assert said.decode(errors="replace") == choice.message.content


@pytest.mark.parametrize("seed", range(3))
def test_a_json_schema_is_kept(server, seed):
    schema = WEATHER["function"]["parameters"]
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}
    text = ask(server, response_format=wanted, seed=seed, max_tokens=100).choices[0].message.content
    jsonschema.validate(json.loads(text), schema)


def test_a_json_object_is_an_object_while_it_lasts(server):
    answer = ask(server, response_format={"type": "json_object"}, max_tokens=40).choices[0]
    assert answer.message.content.startswith("{")
    assert answer.finish_reason == "length" or isinstance(json.loads(answer.message.content), dict)


def test_a_choice_and_a_pattern(server):
    either = ask(server, extra_body={"guided_choice": ["yes", "no"]}).choices[0].message.content
    assert either in ("yes", "no")
    year = ask(server, extra_body={"guided_regex": "[0-9]{4}"}).choices[0].message.content
    assert year.isdecimal()
    assert len(year) == 4


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_that_must_be_called_is_called_as_its_schema_says(server, choice, stream):
    tools = [WEATHER] if isinstance(choice, str) else [CLOCK, WEATHER]
    asked = {"tools": tools, "tool_choice": choice, "max_tokens": 100, "seed": 1}
    if stream:
        events = [event.choices[0] for event in ask(server, stream=True, **asked)]
        called = [call.function for event in events for call in event.delta.tool_calls or ()]
        finish, content = events[-1].finish_reason, "".join(event.delta.content or "" for event in events)
    else:
        answer = ask(server, **asked).choices[0]
        called = [call.function for call in answer.message.tool_calls]
        finish, content = answer.finish_reason, answer.message.content
    assert [call.name for call in called] == ["weather"]
    jsonschema.validate(json.loads(called[0].arguments), WEATHER["function"]["parameters"])
    assert (finish, content or "") == ("tool_calls", "")


def test_a_tool_without_parameters_is_called_with_none(server):
    call = ask(server, tools=[CLOCK], tool_choice="required", max_tokens=60).choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("clock", "{}")


def test_what_a_tool_has_answered_goes_back_into_the_conversation(server):
    call = ask(server, tools=[WEATHER], tool_choice="required", max_tokens=100).choices[0].message
    talk = [*ASKED, call.model_dump(exclude_none=True)]
    talk += [{"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "Rain."}]
    longer = ask(server, messages=talk, tools=[WEATHER])
    assert longer.usage.prompt_tokens > ask(server, tools=[WEATHER]).usage.prompt_tokens
    assert longer.choices[0].finish_reason in ("stop", "length")


def test_an_answer_may_be_sent_back_as_it_came_with_all_its_empty_fields(server):
    said = ask(server, seed=1).choices[0].message
    for sent in (said.model_dump(), said.model_dump(exclude_none=True), said):
        assert ask(server, messages=[*ASKED, sent, *ASKED], max_tokens=2).usage.prompt_tokens > 30


def test_a_content_of_parts_is_their_text(server):
    parts = [{"type": "text", "text": "Where does "}, {"type": "text", "text": "the cat sit?"}]
    asked = {"seed": 2, "temperature": 1.0}
    whole = ask(server, **asked).choices[0].message
    assert ask(server, messages=[{"role": "user", "content": parts}], **asked).choices[0].message == whole


def test_logit_bias_bans_and_forces(server):
    forced = server.engine.tokenizer.encode("x")[0]
    answer = ask(server, logit_bias={str(forced): 100}, temperature=0, max_tokens=3)
    assert answer.choices[0].message.content == "xxx"


def test_an_adapter_is_a_model_of_its_own(server, tiny_folder, adapter_folder):
    alone = beside(open_folder(tiny_folder), {"poet": adapter_folder})["poet"]
    asked = {"temperature": 1.0, "seed": 4, "max_tokens": 12}
    assert ask(server, model="poet", **asked).choices[0].message.content == alone(ASKED, **asked)[0].text
    assert ask(server, **asked).choices[0].message.content == onward.load(tiny_folder)(ASKED, **asked)[0].text


def test_a_conversation_that_begins_alike_is_read_once(server):
    long = [{"role": "user", "content": "The cat sat on the mat, said the dog. " * 8}]
    ask(server, messages=long)
    assert ask(server, messages=long).usage.prompt_tokens_details.cached_tokens >= 64


def test_fields_that_only_steer_openai_s_machines_change_nothing(server):
    asked = {"seed": 2, "temperature": 1.0}
    passed_over = {"user": "me", "store": False, "metadata": {"a": "b"}, "parallel_tool_calls": True}
    assert ask(server, **asked, **passed_over).choices[0].message == ask(server, **asked).choices[0].message


@pytest.mark.parametrize(
    ("more", "param", "words"),
    [
        ({"temperature": -1}, "temperature", "greater than or equal to 0"),
        ({"top_p": 0}, "top_p", "greater than 0"),
        ({"n": 0}, "n", "greater than or equal to 1"),
        ({"max_tokens": 0}, "max_tokens", "at least 1"),
        ({"seed": 2**63}, "seed", "less than"),
        ({"seed": "7"}, "seed", "integer"),
        ({"stop": 7}, "stop", "string"),
        ({"stop": [""]}, "stop", "at least 1 character"),
        ({"stop": {"a": 1}}, "stop", "string"),
        ({"top_logprobs": 2}, "top_logprobs", "Set logprobs"),
        ({"logit_bias": {"cat": 1}}, "logit_bias", "'cat' is no token's number"),
        ({"logit_bias": {"999999": 1}}, "logit_bias", "is no token's number"),
        ({"messages": []}, "messages", "at least 1 item"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "is empty"),
        ({"messages": [{"role": "pope", "content": "x"}]}, "messages.0.role", "'system'"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages", "surrogate"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0", "text"),
        ({"messages": [{"role": "user", "content": "cat " * 2000}]}, "messages", "1,024 positions"),
        ({"response_format": {"type": "xml"}}, "response_format", "json_object"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"not": {}}}}},
            "response_format",
            "not supported",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "integer", "minimum": 3, "maximum": 2}},
                }
            },
            "response_format",
            "",
        ),
        ({"guided_regex": "(", "max_tokens": 5}, "guided_regex", ""),
        ({"guided_regex": "a", "guided_choice": ["a"]}, "guided_regex", "one form"),
        ({"tools": [CLOCK, CLOCK]}, "tools", "'clock'"),
        ({"tool_choice": "required"}, "tool_choice", "no tools"),
        ({"tools": [CLOCK], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", "'x'"),
        ({"tempratur": 1}, "tempratur", "no field 'tempratur'"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(server, more, param, words):
    body = json.dumps({"model": "tiny", "messages": ASKED, "max_tokens": 3, **more})
    answer = server.http.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert answer.status_code == 400, answer.text
    assert error["param"].startswith(param)
    assert words in error["message"]
    assert "\n" not in error["message"]


def test_openai_s_client_raises_its_own_errors(server):
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-5'"):
        ask(server, model="gpt-5")
    with pytest.raises(openai.BadRequestError) as refused:
        ask(server, messages=[{"role": "user", "content": "cat " * 2000}])
    assert refused.value.code == "context_length_exceeded"


def test_a_prompt_that_is_too_long_may_be_cut_if_that_is_asked(server):
    long = [{"role": "user", "content": "cat " * 2000}]
    answer = ask(server, messages=long, extra_body={"truncate_prompt_tokens": 100})
    assert answer.usage.prompt_tokens == 100
