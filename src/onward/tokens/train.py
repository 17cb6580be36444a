"""Training a tokeniser: byte-level byte-pair encoding that cuts text exactly as Qwen2's does, with ChatML control
tokens.

Left out: a normaliser. Qwen2 composes characters (NFC); here every text comes back as it went in, byte for byte. Also
left out: any choice of pre-tokeniser or control tokens, since other tools know this one.   Sources: Sennrich et al.
2016 (BPE); Radford et al. 2019, section 2.2 (bytes); the pre-tokeniser of Qwen2 (arXiv 2407.10671, section 2.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, processors, trainers

from onward.errors import TokenizerError
from onward.tokens.tokenizer import Tokenizer, refuse_surrogates

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
CONTROL = (END_OF_TEXT, TURN_START, TURN_END)
SMALLEST = 256 + len(CONTROL)
LARGEST = 2**20  # four times the largest in use; the trainer asks for memory for all of it at once
LONGEST_WORD = 1000  # characters; pairs are counted word by word, in time that grows with the square of a word's length
# Where a word of the pattern below may be longer than that: letters, marks or blanks without end, after a blank.
LONG = re.compile(rf"\s(?:\S{{{LONGEST_WORD}}}|\s{{{LONGEST_WORD}}})")
RUN = re.compile(r"[^\W\d_]+|(?:[^\w\s]|_)+|\s+")

# Alternatives, in order: English clitics; a word with at most one mark before it; one digit; other marks with the line
# ends after them; line ends with the blanks before them; blanks up to the last one, which goes with the next word;
# other blanks.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|[^\r\n\p{L}\p{N}]?\p{L}+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)

# ChatML. Tools and their calls are written the way Qwen2.5 and Hermes read them, as text, so that servers can parse the
# calls.
CHATML = """\
{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0]['role'] == 'system' %}
{{- messages[0]['content'] + '\\n\\n' }}
{%- endif %}
{{- 'Functions that may be called, one a line:\\n<tools>' }}
{%- for tool in tools %}
{{- '\\n' + (tool | tojson) }}
{%- endfor %}
{{- '\\n</tools>\\nA call is written as <tool_call>\\n{"name": ..., "arguments": {...}}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if not (tools and loop.first and message['role'] == 'system') %}
{{- '<|im_start|>' + message['role'] + '\\n' + (message['content'] or '') }}
{%- for call in message['tool_calls'] or [] %}
{%- set function = call['function'] or call %}
{%- set given = function['arguments'] %}
{{- '\\n' if message['content'] or not loop.first else '' }}
{{- '<tool_call>\\n{"name": ' + (function['name'] | tojson) + ', "arguments": ' }}
{{- (given if given is string else given | tojson) + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def train(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """A tokeniser of `vocab_size` tokens in all: 256 bytes, the merges learnt from the texts, three control tokens.

    Texts too small to give so many merges give a smaller vocabulary (see `vocab_size` of the result). The same texts in
    the same order give the same bytes. Words of more than 1,000 characters, which only data that is no language has, are
    learnt from in pieces. Raises TokenizerError for fewer than 259 tokens or more than a million, for no text at all and
    for text that is no Unicode.
    """
    if vocab_size > LARGEST:
        raise TokenizerError(f"a vocabulary of {vocab_size:,} is too large. Ask for --vocab {LARGEST} or less.")
    if vocab_size < SMALLEST:
        raise TokenizerError(
            f"a vocabulary of {vocab_size:,} is too small: 256 bytes and {len(CONTROL)} control tokens are {SMALLEST}. "
            f"Ask for --vocab {SMALLEST} or more; a few thousand is usual for a small model."
        )
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(CONTROL),
        min_frequency=2,  # a pair seen once is no pattern
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    counted = _Counted(texts)
    backend.train_from_iterator(counted, trainer)
    if not counted.characters:
        raise TokenizerError("there is no text to train a tokeniser on. Give texts that are not empty.")
    # After the vocabulary, as in Qwen2: no text can reach them through a merge, and the ids of bytes do not depend on
    # them.
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in CONTROL])
    return Tokenizer(backend.to_str(pretty=True), _config(), {"default": CHATML})


def _config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # Qwen2's own class would add its normaliser
        "bos_token": END_OF_TEXT,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000_000,
    }


class _Counted:
    """The texts, each checked before the trainer sees it, and the count of their characters."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = texts
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        for number, text in enumerate(self.texts, 1):
            refuse_surrogates(text, f"text {number:,}")
            self.characters += len(text)
            yield from _pieces(text) if LONG.search(" " + text) else [text]


def _pieces(text: str) -> Iterator[str]:
    """A text cut where its runs of letters, of marks or of blanks grow too long for one word."""
    begin = 0
    for run in RUN.finditer(text):
        for cut in range(run.start() + LONGEST_WORD, run.end(), LONGEST_WORD):
            yield text[begin:cut]
            begin = cut
    yield text[begin:]
