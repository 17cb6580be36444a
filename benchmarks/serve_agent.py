"""An agent library against the server: Pydantic AI, whose agent calls a function, reads its answer, and ends with a checked object.

    python benchmarks/serve_agent.py chat

Each run asks after one islander (examples/island.py). The agent may call `neighbour`, and must end by calling `final_result` with a person
that pydantic accepts: Pydantic AI sends both as tools with tool_choice "required", and the server holds the calls to their schemas. Whether
what a small model says is true is counted too, and is not what this is about. Then three answers are streamed. Needs `pip install
"pydantic-ai-slim[openai]"`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Literal

from pydantic import BaseModel
from pydantic_ai import Agent, UsageLimits
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from served import serving

RUNS = 20
NAMES = ("Kate Wood", "Nils North", "Olga Stone", "Ada Brook")


class Person(BaseModel):
    """Somebody on the island."""

    name: Literal["Kate Wood", "Nils North", "Olga Stone", "Ada Brook"]
    job: Literal["baker", "fisher", "gardener", "teacher", "sailor", "weaver", "carpenter", "doctor"]


def neighbour(name: Literal["Kate Wood", "Nils North", "Olga Stone", "Ada Brook"]) -> str:
    """Who lives next to somebody."""
    return f"Next to {name} lives {NAMES[NAMES.index(name) - 1]}."


async def main(folder: str) -> None:
    with serving(f"chat={folder}") as up:
        model = OpenAIChatModel("chat", provider=OpenAIProvider(base_url=f"{up.url}/v1", api_key="none"))
        whole = called = named = 0
        agent = Agent(model, output_type=Person, tools=[neighbour])
        for seed in range(RUNS):
            name = NAMES[seed % len(NAMES)]
            settings = {"seed": seed, "temperature": 1.0, "max_tokens": 200}
            try:
                done = await agent.run(
                    f"What does {name} do?", model_settings=settings, usage_limits=UsageLimits(request_limit=12)
                )
            except AgentRunError as error:
                print(f"run {seed}: {error}")
                continue
            calls = [p.tool_name for m in done.all_messages() for p in m.parts if isinstance(p, ToolCallPart)]
            whole, called, named = whole + 1, called + calls.count("neighbour"), named + (done.output.name == name)
        print(
            f"{RUNS} runs: {whole} ended with a person that pydantic accepts, {called} calls of neighbour on the way,"
        )
        print(f"{named} with the person that was asked after")
        for name in NAMES[:3]:
            async with Agent(model).run_stream(f"What does {name} do?", model_settings={"temperature": 0.0}) as answer:
                pieces = [piece async for piece in answer.stream_text(delta=True, debounce_by=None)]
            print(f"streamed in {len(pieces)} pieces: {''.join(pieces)!r}")
        print(
            f"requests answered: {up.figure('onward_requests_total'):.0f}, blocks used: {up.figure('onward_blocks_used'):.0f}"
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
