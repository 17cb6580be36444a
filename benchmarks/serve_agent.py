"""An agent library against the server: Pydantic AI, whose agents end with a checked object, and call functions on the way.

    python benchmarks/serve_agent.py chat

Each run asks what one islander does (examples/island.py) and must end with a `Person` that pydantic accepts, in one of two ways.
"schema": one answer, by `response_format` with the object's schema. "tools": by calling `final_result`, before which the agent may call
`neighbour` and is told the answer; Pydantic AI sends both with tool_choice "required", and the server holds the calls to their schemas.
Which of the two a small model calls, and whether it ever comes to an end, is its own affair: runs that do not in 12 requests, or in the
model's room, are counted. Then answers are streamed. Needs `pip install "pydantic-ai-slim[openai]"`.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Literal

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, UsageLimits
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from served import serving

RUNS = 20
REQUESTS = 12
NAMES = ("Kate Wood", "Nils North", "Olga Stone", "Ada Brook")


class Person(BaseModel):
    """Somebody on the island."""

    name: Literal["Kate Wood", "Nils North", "Olga Stone", "Ada Brook"]
    job: Literal["baker", "fisher", "gardener", "teacher", "sailor", "weaver", "carpenter", "doctor"]


def neighbour(name: Literal["Kate Wood", "Nils North", "Olga Stone", "Ada Brook"]) -> str:
    """Who lives next to somebody."""
    return f"Next to {name} lives {NAMES[NAMES.index(name) - 1]}."


async def runs(agent: Agent[None, Person], kind: str) -> None:
    """Ask it again and again, and print how the runs ended."""
    ends, called, named = Counter[str](), 0, 0
    for seed in range(RUNS):
        name = NAMES[seed % len(NAMES)]
        try:
            done = await agent.run(
                f"What does {name} do?",
                model_settings={"seed": seed, "temperature": 1.0, "max_tokens": 200},
                usage_limits=UsageLimits(request_limit=REQUESTS),
            )
        except AgentRunError as error:
            ends[f"{type(error).__name__}: {str(error)[:60]}"] += 1
            continue
        calls = [part.tool_name for m in done.all_messages() for part in m.parts if isinstance(part, ToolCallPart)]
        ends["a person that pydantic accepts"] += 1
        called, named = called + calls.count("neighbour"), named + (done.output.name == name)
    print(f"{kind}, {RUNS} runs: " + "; ".join(f"{times} ended with {end}" for end, times in ends.items()))
    print(f"  in those that ended so, {called} calls of neighbour; {named} name the person that was asked after")


async def main(folder: str) -> None:
    with serving(f"chat={folder}") as up:
        model = OpenAIChatModel("chat", provider=OpenAIProvider(base_url=f"{up.url}/v1", api_key="none"))
        await runs(Agent(model, output_type=NativeOutput(Person)), "schema")
        await runs(Agent(model, output_type=Person, tools=[neighbour]), "tools")
        for name in NAMES[:3]:
            async with Agent(model).run_stream(f"What does {name} do?", model_settings={"temperature": 0.0}) as answer:
                pieces = [piece async for piece in answer.stream_text(delta=True, debounce_by=None)]
            print(f"streamed in {len(pieces)} pieces: {''.join(pieces)!r}")
        print(f"requests: {up.figure('onward_requests_total'):.0f}; blocks used: {up.figure('onward_blocks_used'):.0f}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
