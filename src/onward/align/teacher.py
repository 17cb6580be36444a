"""A teacher beside the student: instruction tuning towards how likely a larger model finds every token, besides the one that comes.

The teacher is frozen and reads the same batch in the same process. At each learned token the loss is (1 - share) times the cross-entropy
of the data's own token plus share times KL(teacher || student), at temperature 1: Hinton et al. 2015 (arXiv 1503.02531, section 2), word by
word as in Kim and Rush 2016 (arXiv 1606.07947, section 3.1). Left out: a teacher with another tokenizer, whose tokens are not the
student's (it can still write conversations: distil), and divergences other than the forward one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from onward.align.wishes import Teaching
from onward.errors import FolderError
from onward.lineage import Result
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure
from onward.train.machine import Machine
from onward.train.measure import Measured
from onward.train.objectives import Loss, backwards, balanced, learned_places
from onward.train.packing import IGNORE, Batch
from onward.train.parent import Parent
from onward.train.plan import TrainPlan
from onward.train.soft_targets import Scores, divergences, summed_soft_cross_entropy
from onward.train.texts import Results, TextData, text_results

SHARE = 0.5
"""Of the teacher's word where nothing is said. Measured in docs/results.md."""
METRIC = "KL from the teacher, nats a token"


class Teacher:
    """A model folder that teaches a student with the same tokenizer. `loss` is the objective.   bytes: of its weights.

    Raises FolderError where it is an encoder, a reward model, or has another tokenizer.
    """

    def __init__(self, path: Path, share: float, student: Path, tokenizer: Tokenizer, found: Machine) -> None:
        self.parent, self.share = Parent.at(path), share
        if not self.parent.config.causal:
            raise FolderError(f"{path} holds an encoder, which carries no text on. Give a --teacher that does.")
        own = Tokenizer.load(path)
        if own.hash != tokenizer.hash:
            raise FolderError(
                f"--teacher {path} has another tokenizer than {student}, so its probabilities are those of other tokens. Let it write "
                "conversations instead (onward distil), or make a student with its tokenizer (onward pretrain --tokenizer)."
            )
        folder.check_tokenizer(self.parent.config, own.highest_id)
        dtype = torch.bfloat16 if found.precision == "bf16" else torch.float32
        self.model = folder.load(path, dtype=dtype, device=found.device).eval().requires_grad_(False)
        self.bytes = sum(parameter.nbytes for parameter in self.model.parameters())

    @property
    def words(self) -> str:
        """What the plan says of it."""
        size = sum(self.parent.config.parameters().values())
        return f"{self.share:g}: {self.parent.path} has {size:,} parameters; the data's own token counts {1 - self.share:g}"

    def loss(self, student: LanguageModel, batch: Batch) -> Loss:
        """The objective, a mean over the learned tokens; `kl` in its stats is KL(teacher || student), in nats a token."""
        scores, targets = self._scores(student, batch)
        total, divergence = summed_soft_cross_entropy(scores, self._taught(batch), targets, self.share)
        weight = batch.learnable
        return balanced(student, batch, Loss(total / weight, weight, {"kl": divergence.item() / weight}))

    @torch.no_grad()
    def divergence(self, student: LanguageModel, batch: Batch) -> Tensor:
        """KL(teacher || student) at each target in nats, 0 where there is none.   Returns (B, L)."""
        found = divergences(self._scores(student, batch)[0], self._taught(batch))
        values = torch.zeros(batch.targets.shape, dtype=found.dtype, device=found.device)
        values[batch.targets != IGNORE] = found
        return values

    def measure(self, student: LanguageModel, data: TextData, plan: TrainPlan) -> Measured:
        """KL(teacher || student) on what is held out, in nats a token."""
        return measure.over_documents(
            student,
            data.held_out,
            lambda batch: self.divergence(student, batch),
            torch.ones(student.config.vocab_size, dtype=torch.int64),
            targets=measure.AT_THE_END,
            device=plan.device,
            precision=plan.precision,
        )

    def results(self, untaught: Callable[[], LanguageModel]) -> Results:
        """What is said of the student in its lineage: bits per byte, and how far it is from the teacher, beside how far it was.

        untaught: gives the student as it was.
        """

        def found(data: TextData, student: LanguageModel, plan: TrainPlan) -> list[Result]:
            before = self.measure(untaught().to(plan.device), data, plan).value
            after = self.measure(student, data, plan)
            said = measure.result(data.suite, after, seed=plan.seed, baseline=before, metric=METRIC, chance=None)
            return [*text_results(data, student, plan), said]

        return found

    @torch.inference_mode()
    def _taught(self, batch: Batch) -> Scores:
        return self._scores(self.model, batch)[0]

    def _scores(self, model: LanguageModel, batch: Batch) -> tuple[Scores, Tensor]:
        hidden, targets = learned_places(model, batch, backwards(batch))
        return model.head.factors(hidden, model.embedding.tokens.weight), targets


def opened(asked: Teaching, student: Path, tokenizer: Tokenizer, found: Machine) -> Teacher | None:
    """The teacher that was asked for."""
    if asked.teacher is None:
        return None
    share = SHARE if asked.teacher_share is None else asked.teacher_share
    return Teacher(asked.teacher, share, student, tokenizer, found)
