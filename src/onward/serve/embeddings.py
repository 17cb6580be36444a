"""/v1/embeddings: a text as one vector, the mean over its tokens of what the trunk makes of them after its last norm, of length 1.

It is a decoder's, and no model here was trained for it: near texts tend to be near, and no more is claimed. Texts are read one at a time,
each between two passes of the engine. Left out: encoders' folders, and fewer dimensions than the model's width.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import torch
from torch import Tensor

from onward.errors import FolderError
from onward.generate.engine import DAMAGED
from onward.serve import drawing
from onward.serve.answers import EmbeddingAnswer
from onward.serve.asked import EmbeddingAsked
from onward.serve.asking import Asking
from onward.serve.completions import listed
from onward.serve.models import Served
from onward.serve.refusals import wrong


def prepare(served: Served, asked: EmbeddingAsked) -> list[list[int]]:
    """The ids of each text.   Raises Refused."""
    width = served.model.engine.model.config.width
    if asked.dimensions is not None and asked.dimensions != width:
        raise wrong("dimensions", f"dimensions: this model's vectors have {width:,}. Leave it out.")
    read = [served.model.text_prompt(one) if isinstance(one, str) else one for one in listed(asked.input)]
    return [drawing.fitted(served, ids, asked.truncate_prompt_tokens, "input", answers=False) for ids in read]


@torch.inference_mode()
def vector(served: Served, ids: Sequence[int]) -> Tensor:
    """(width,) float32. On the engine's thread.   Raises FolderError where the weights are damaged."""
    engine = served.model.engine
    engine.reader.use(served.model.adapter)
    hidden = engine.model.hidden(torch.tensor([ids], device=engine.device))[0].float().mean(0)
    if not hidden.isfinite().all():
        raise FolderError(DAMAGED)
    return torch.nn.functional.normalize(hidden, dim=0).cpu()


async def answer(asking: Asking, asked: EmbeddingAsked, texts: Sequence[Sequence[int]]) -> EmbeddingAnswer:
    found = [await asking.do(lambda ids=ids: vector(asking.served, ids)) for ids in texts]  # type: ignore[misc]
    shown = [_base64(one) if asked.encoding_format == "base64" else one.tolist() for one in found]
    read = sum(map(len, texts))
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": i, "embedding": one} for i, one in enumerate(shown)],
        "model": asking.served.name,
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


def _base64(vector: Tensor) -> str:
    """Little-endian float32, as OpenAI's client asks for by itself."""
    return base64.b64encode(vector.numpy().astype("<f4").tobytes()).decode()
