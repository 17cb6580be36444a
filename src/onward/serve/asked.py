"""What may be asked, field by field, as OpenAI's API has it: the server's OpenAPI document is made from this.

A field that nobody here knows is refused by name, since a misspelt one would otherwise be passed over in silence. Fields that only steer
OpenAI's own machinery are taken and change nothing (PASSED_OVER). Beyond OpenAI: top_k, min_p, typical_p, repetition_penalty,
truncate_prompt_tokens, guided_choice, guided_regex, as vLLM calls them. Left out: pictures and sound in messages, `suffix`, `best_of`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Stop = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
TokenId = Annotated[int, Field(ge=0, lt=2**31)]
Ids = Annotated[list[TokenId], Field(min_length=1)]


class Asked(BaseModel):
    """Strict: a number is a number, and no text that looks like one."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class PassedOver(Asked):
    """Taken, so that every client can speak, and without any effect here."""

    user: str | None = None
    store: bool | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None


class StreamOptions(Asked):
    include_usage: bool = False
    include_obfuscation: bool | None = Field(default=None, description="taken, without effect")


class Drawing(PassedOver):
    """How texts are drawn; the same for chats and completions."""

    model: str
    temperature: float | None = Field(default=None, ge=0, le=100, description="1 where it is not said")
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0, lt=2**31)
    min_p: float | None = Field(default=None, ge=0, lt=1)
    typical_p: float | None = Field(default=None, gt=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0, le=100)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: Int64 | None = Field(default=None, description="same seed, same text; text i of n is drawn with seed + i")
    n: int | None = Field(default=None, ge=1, le=128)
    max_tokens: int | None = Field(default=None, ge=0, lt=2**31)
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    truncate_prompt_tokens: int | None = Field(
        default=None, ge=1, description="keep so many of the prompt's last tokens"
    )
    guided_choice: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None
    guided_regex: Annotated[str, StringConstraints(min_length=1, max_length=10_000)] | None = None


class TextPart(Asked):
    type: Literal["text"]
    text: str


class Function(Asked):
    """A function that was called: its arguments are JSON, as text."""

    name: str
    arguments: str


class ToolCall(Asked):
    id: str
    type: Literal["function"] = "function"
    function: Function
    index: int | None = None


class Message(Asked):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    annotations: list[Any] | None = Field(default=None, description="taken, without effect: answers sent back have it")
    audio: None = None
    function_call: None = None


class FunctionDefinition(Asked):
    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Asked):
    type: Literal["function"]
    function: FunctionDefinition


class FunctionName(Asked):
    name: str


class NamedTool(Asked):
    type: Literal["function"]
    function: FunctionName


class TextFormat(Asked):
    type: Literal["text"]


class ObjectFormat(Asked):
    type: Literal["json_object"]


class Schema(Asked):
    name: str
    description: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class SchemaFormat(Asked):
    type: Literal["json_schema"]
    json_schema: Schema


class ChatAsked(Drawing):
    """/v1/chat/completions"""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: int | None = Field(default=None, ge=1, lt=2**31)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    modalities: list[Literal["text"]] | None = None


class CompletionAsked(Drawing):
    """/v1/completions"""

    prompt: str | Ids | Annotated[list[str], Field(min_length=1)] | Annotated[list[Ids], Field(min_length=1)]
    echo: bool | None = None
    logprobs: int | None = Field(default=None, ge=0, le=20)
    suffix: str | None = Field(default=None, description="refused: these models carry on, and do not fill in")
    best_of: int | None = Field(default=None, ge=1, le=128, description="refused where it is more than n")


class EmbeddingAsked(PassedOver):
    """/v1/embeddings"""

    model: str
    input: str | Ids | Annotated[list[str], Field(min_length=1)] | Annotated[list[Ids], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(default=None, ge=1, description="refused where it is not the model's width")
    truncate_prompt_tokens: int | None = Field(default=None, ge=1, description="keep so many of the text's last tokens")
