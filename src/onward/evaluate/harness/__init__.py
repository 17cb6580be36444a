"""Other people's harnesses with our engine beneath: lm-eval (lm_eval.py) and Inspect (inspect_ai.py). `pip install 'onward[harness]'`.

Both find what they find through `onward serve`; here nothing goes over a network. Left out: models behind a URL, which both harnesses ask
by themselves, and folders that write many tokens together.
"""

from __future__ import annotations

from onward.errors import PlanError
from onward.generate.chat_model import FolderModel
from onward.generate.load import load
from onward.generate.settings import Computed


def opened(where: str, device: str | None, weights: Computed | None) -> FolderModel:
    """The folder.   Raises FolderError; PlanError for what no engine of ours carries on token by token."""
    model = load(where, device=device, weights=weights)
    if not isinstance(model, FolderModel):
        raise PlanError(
            f"{where} is no folder whose engine can be asked here: it is behind a URL, which harnesses ask by themselves (lm-eval's "
            "local-completions, Inspect's openai-api), or writes many tokens together."
        )
    return model
