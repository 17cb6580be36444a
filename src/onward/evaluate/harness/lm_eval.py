"""A folder as a model of lm-eval (EleutherAI's harness, 0.4.13): options share the reading of their prompt, answers one running batch.

    python -m onward.evaluate.harness.lm_eval --model onward --model_args model=runs/mine/chat --tasks TASK --apply_chat_template

This is lm-eval's own command with one model more: lm-eval knows no entry points for models, so one has to be registered before it looks.
Texts are cut into tokens as lm-eval has them cut for every model of this folder (`hf`, `vllm`, `local-completions`), so that the numbers
are the same: control tokens in a text are read as such, and nothing stands before it. `add_bos_token=True` puts there the token that begins
a document, as Onward's own suites do. Left out: batch sizes, which are the engine's affair; a folder on several devices.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from lm_eval import utils
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from lm_eval.models.utils import normalize_gen_kwargs
from tqdm import tqdm

from onward.errors import FolderError, OnwardError, PlanError
from onward.evaluate.harness import opened
from onward.generate.engine import AT_ONCE, Completion, Request, Run
from onward.generate.options import weighed
from onward.generate.settings import Computed, Sampling
from onward.tokens.chat import render

Pair = tuple[Any, list[int], list[int]]
"""A request as lm-eval names it, its context and its continuation in tokens."""
DRAWN = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p"),
    *("repetition_penalty", "presence_penalty", "frequency_penalty", "seed"),
)
"""What a task may say of how answers are drawn; the names are lm-eval's and ours."""
ANSWER = 256
"""Tokens of an answer at most, where a task says nothing: lm-eval's own number."""


@register_model("onward")
class FolderLM(TemplateLM):
    """model: a model or run folder, or org/name on the hub.   batch_size, max_batch_size: lm-eval gives them to all; not needed here."""

    def __init__(
        self,
        model: str,
        device: str | None = None,
        weights: Computed | None = None,
        add_bos_token: bool = False,
        batch_size: object = None,  # noqa: ARG002
        max_batch_size: object = None,  # noqa: ARG002
    ) -> None:
        super().__init__()
        if (
            device == "cuda:0" and not torch.cuda.is_available()
        ):  # lm-eval says so to all, where nobody has said anything
            device = None
        self.folder = opened(model, device, weights)
        self.engine = self.folder.engine
        self.words = self.engine.tokenizer
        self.max_length = self.engine.room
        self.begin = [self.words.bos_id] if add_bos_token and self.words.bos_id is not None else []

    # --- texts and tokens ---------------------------------------------------------------------------------------------

    @property
    def eot_token_id(self) -> int:
        return self.words.eos_ids[0]

    @property
    def prefix_token_id(self) -> int:
        """Stands before a text that has no context."""
        return self.eot_token_id if self.words.bos_id is None else self.words.bos_id

    @cached_property
    def _controls(self) -> re.Pattern[str]:
        names = sorted(self.words.controls, key=len, reverse=True)
        return re.compile(f"({'|'.join(map(re.escape, names))})" if names else r"(?!)")

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: object) -> list[int]:
        """add_special_tokens: False for what follows something."""
        pieces = [(self.words.controls.get(part, part), False) for part in self._controls.split(string) if part]
        ids = self.words.encode_pieces(pieces)[0]
        begin = self.begin if add_special_tokens is not False and ids[:1] != self.begin else []
        return [*begin, *ids]

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The conversation as text; without a generation prompt, up to the end of what the assistant has begun to say."""
        whole = render(self.words, chat_history, add_generation_prompt=add_generation_prompt)
        if add_generation_prompt:
            return whole
        begun = chat_history[-1]["content"].rstrip()
        return whole[: whole.rindex(begun) + len(begun)]

    def chat_template(self, chat_template: bool | str = False) -> str:
        return self.words.template or "" if chat_template else ""

    @property
    def tokenizer_name(self) -> str:
        return f"{self.folder.name}__{self.words.hash[:16]}".replace("/", "__")

    # --- what is asked ------------------------------------------------------------------------------------------------

    def _loglikelihood_tokens(
        self, requests: Sequence[Pair], disable_tqdm: bool = False, **_: object
    ) -> list[tuple[float, bool]]:
        """Of each continuation, and whether it is what the model would say. Those of one context are weighed together."""
        cut = [self._fitting(context, continuation) for _, context, continuation in requests]
        alike = dict[tuple[int, ...], list[int]]()
        for place, (context, _continuation) in enumerate(cut):
            alike.setdefault(tuple(context), []).append(place)
        found = dict[int, tuple[float, bool]]()
        with tqdm(total=len(requests), disable=disable_tqdm, desc="Continuations weighed") as bar:
            for begin, places in alike.items():
                for some in (places[at : at + AT_ONCE] for at in range(0, len(places), AT_ONCE)):
                    weights = weighed(self.engine, begin, [cut[place][1] for place in some], self.folder.adapter)
                    for place, one in zip(some, weights, strict=True):
                        likeliest = [best[0][0] for best in one.alternatives]
                        found[place] = sum(one.log_probs), likeliest == cut[place][1]
                        if requests[place][0] is not None:
                            self.cache_hook.add_partial("loglikelihood", requests[place][0], found[place])
                    bar.update(len(some))
        return [found[place] for place in range(len(requests))]

    def _fitting(self, context: list[int], continuation: list[int]) -> tuple[list[int], list[int]]:
        """A context too long for the model loses its beginning, as elsewhere in lm-eval."""
        over = max(0, len(context) + len(continuation) - (self.max_length + 1))  # the last token is not read
        return context[over:], continuation

    def loglikelihood_rolling(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[float]:
        """Of whole texts, in windows as long as the model's positions, each token once."""
        found = list[float]()
        for (text,) in tqdm([request.args for request in requests], disable=disable_tqdm, desc="Texts weighed"):
            ids = self.tok_encode(text, add_special_tokens=False)
            windows = utils.get_rolling_token_windows(ids, self.prefix_token_id, self.max_length, 1)
            pairs = [(None, *utils.make_disjoint_window(window)) for window in windows]
            found.append(sum(log_prob for log_prob, _ in self._loglikelihood_tokens(pairs, disable_tqdm=True)))
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), found[-1])
        return found

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """What follows each context. One that is asked again is drawn with the next seed."""
        seen, wanted = Counter[str](), list[Request]()
        for context, how in (request.args for request in requests):
            wanted.append(self._request(context, how, again=seen[context]))
            seen[context] += 1
        found = dict[int, str]()
        with tqdm(total=len(wanted), disable=disable_tqdm, desc="Texts carried on") as bar:
            for place, done in self._carried_on(wanted):
                found[place] = done.text
                self.cache_hook.add_partial("generate_until", requests[place].args, done.text)
                bar.update()
        return [found[place] for place in range(len(wanted))]

    def _request(self, context: str, how: dict[str, Any], again: int) -> Request:
        asked = dict(normalize_gen_kwargs(how, ANSWER))
        until, tokens, samples = asked.pop("until"), asked.pop("max_gen_toks"), asked.pop("do_sample")
        if odd := sorted(asked.keys() - set(DRAWN)):
            raise PlanError(f"{odd[0]!r} is nothing that an answer can be drawn by here; {', '.join(DRAWN)} are.")
        if tokens >= self.max_length:
            raise PlanError(
                f"max_gen_toks {tokens:,}: the model has {self.max_length:,} positions, and a context goes before."
            )
        seed = int(asked.pop("seed", 0)) + again
        usual: dict[str, Any] = {"temperature": 1.0 if samples else 0.0}
        sampling = Sampling(**usual | asked, seed=seed, max_tokens=tokens, stop=tuple(filter(None, until)))
        prompt = self.tok_encode(context)[-(self.max_length - tokens) :] or [self.prefix_token_id]
        return Request(prompt=prompt, sampling=sampling, adapter=self.folder.adapter)

    def _carried_on(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Each as it ends, with its place. Whoever ends makes room for the next."""
        waiting, running = iter(enumerate(requests)), dict[Run, int]()
        try:
            while True:
                while len(running) < AT_ONCE and (one := next(waiting, None)):
                    running[self.engine.submit(one[1])] = one[0]
                if not running:
                    return
                self.engine.step()
                for run in [run for run in running if run.finish is not None]:
                    if run.finish == "error":
                        raise FolderError(run.error)
                    yield running.pop(run), run.completion()
        finally:
            for run in running:
                self.engine.cancel(run)


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    try:
        cli_evaluate()
    except OnwardError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
