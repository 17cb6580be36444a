"""Log-probabilities as OpenAI's two APIs write them. A token that is no whole character is named by its bytes, `bytes:\\xe2\\x82`."""

from __future__ import annotations

from collections.abc import Sequence

from onward.serve.answers import Alternative, ChatLogProbs, CompletionLogProbs
from onward.serve.worker import Token
from onward.tokens.stream import StreamDecoder
from onward.tokens.tokenizer import Tokenizer


def token_name(tokenizer: Tokenizer, id: int) -> str:
    """Different for different tokens, as far as their bytes are."""
    data = tokenizer.token_bytes(id)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def of_chat(tokenizer: Tokenizer, tokens: Sequence[Token]) -> ChatLogProbs:
    def shown(id: int, log_prob: float) -> Alternative:
        return {"token": token_name(tokenizer, id), "logprob": log_prob, "bytes": list(tokenizer.token_bytes(id))}

    content = [
        {**shown(token.id, token.log_prob), "top_logprobs": [shown(*one) for one in token.alternatives]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}  # type: ignore[typeddict-item]


class CompletionTold:
    """The log-probabilities of one text of /v1/completions, which also say where in the text each token begins."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = StreamDecoder(tokenizer, skip_special=False)
        self._length = 0

    def tell(self, tokens: Sequence[tuple[int, float | None, Sequence[tuple[int, float]]]]) -> CompletionLogProbs:
        """tokens: (id, log-probability, the likeliest at its place); the first token of all has none."""
        told: CompletionLogProbs = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for id, log_prob, alternatives in tokens:
            name = token_name(self._tokenizer, id)
            told["tokens"].append(name)
            told["token_logprobs"].append(log_prob)
            best = {token_name(self._tokenizer, other): p for other, p in alternatives}
            told["top_logprobs"].append(None if log_prob is None else {name: log_prob, **best})
            told["text_offset"].append(self._length)
            self._length += len(self._decoder.push(id))
        return told
