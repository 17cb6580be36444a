"""Answers a second of reinforcement: Onward's GRPO and PPO beside TRL's GRPOTrainer, with its defaults and with its best settings, in turn.

    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/grpo.py        (needs trl)

Alike for all: one Qwen3 of random weights, of the shape that `onward build` has, read from one model folder by both libraries (its
cross-entropy of one prompt, before the first step and after the last, is printed); the same prompts and the same tokeniser, a token a
word; one reward, a function in Python that reads the answer's text; as many answers in an optimiser step, and to a prompt for GRPO (PPO
draws one to each); answers of 32 tokens at most, which nearly all of them have, since such a model hardly ever ends one; each answer is
learned from once; the machine, the threads, and the turns. Timed are the real loops, the drawing of the answers with the steps that
learn from them: `onward.train.fit` over an `Experience`, as `onward rl` has them, and `GRPOTrainer.train()`.

Ours draws for two steps at once, as `onward rl` does. TRL draws for each step, unless told otherwise; its defaults recompute activations,
use bf16, take 8 answers at a time, accumulated up to a step, and ask no reference: they have no penalty for leaving it. Its best settings
are searched first: without recomputing, fp32 where bf16 is emulated, more answers at a time, drawing for two steps at once; they are
measured with the penalty that ours has, and without it. Ours asks the reference, and reads every answer once more to compare what drew
it with what learns. TRL's GRPO stands beside our PPO too, since TRL has no PPO any more.
Left out: several devices, vLLM, and whether anything is learned.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from beside_trl import Bench, Settings, small
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers
from turns import Gate

from onward.align.policy import critic, methods
from onward.align.policy.experience import Experience
from onward.align.policy.questions import Question, Questions
from onward.align.wishes import RolloutWishes
from onward.corpus.prompts import Prompt
from onward.lineage import Lineage
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, size
from onward.train.fit import fit
from onward.train.plan import TrainPlan, Wishes

STEPS = 10_000
"""More than any side will take: schedules are made for it."""
VOCAB, LONGEST, PROMPTS, ANSWERS, AT_ONCE = 3072, 256, 512, 8, 2
"""ANSWERS: to a prompt.   AT_ONCE: steps that are drawn for together."""
END = "<|endoftext|>"


# --- what all sides share, in one folder ------------------------------------------------------------------------------


def prepare(place: Path, depth: int, width: int, samples: int, device: str | None) -> machine.Machine:
    """The model with its tokeniser, the prompts and the plan, as files. Prompts have 30 words in the middle, log-normal."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(np.log(30), 0.6, PROMPTS), 4, LONGEST // 2).astype(int)
    prompts = [" ".join(f"w{i}" for i in random.integers(0, VOCAB - 1, n)) for n in lengths]
    (place / "prompts.json").write_text(json.dumps(prompts))
    config = small(VOCAB, depth, width, LONGEST)
    save_tokenizer(place / "tokenizer")
    history, model = Lineage(verb="grpo"), LanguageModel(config).initialise(0)
    folder.save(place / "model", model, lineage=history, tokenizer_folder=place / "tokenizer")
    found = machine.measure(device)
    typical = int(lengths.mean()) + 32
    draft = TrainPlan(
        steps=STEPS, length=typical, batch_tokens=samples * typical, rows_per_pass=1, lr=0.001, lr_embedding=0.0005
    )
    plan = size.begin(draft, Wishes(steps=STEPS, eager=True), found, config)
    (place / "plan.json").write_text(json.dumps(replace(plan, compile=False).to_json()))
    return found


def save_tokenizer(place: Path) -> None:
    """A token a word."""
    words = {f"w{i}": i for i in range(VOCAB - 1)} | {END: VOCAB - 1}
    backend = Backend(models.WordLevel(words, unk_token="w0"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.WhitespaceSplit(), decoders.Fuse()
    backend.add_special_tokens([END])
    place.mkdir()
    backend.save(str(place / "tokenizer.json"))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "pad_token": END}
    (place / "tokenizer_config.json").write_text(json.dumps(named))


def worth(texts: Sequence[str]) -> list[float]:
    """The reward: the share of the answer's characters that are an even digit."""
    return [sum(letter in "02468" for letter in text) / max(1, len(text)) for text in texts]


# --- the sides, each in its own process -------------------------------------------------------------------------------


def gate_of(place: Path, logits: Callable[[torch.Tensor], torch.Tensor]) -> Gate:
    ids = torch.tensor([Tokenizer.load(place / "model").encode(json.loads((place / "prompts.json").read_text())[0])])

    @torch.no_grad()
    def loss() -> float:
        return torch.nn.functional.cross_entropy(logits(ids[:, :-1]).float().flatten(0, 1), ids[0, 1:]).item()

    return Gate(loss)


def ours(place: Path, method: str, asked: RolloutWishes) -> None:
    """What `onward rl` does once it is prepared."""
    plan, tokenizer = TrainPlan(**json.loads((place / "plan.json").read_text())), Tokenizer.load(place / "model")
    texts = json.loads((place / "prompts.json").read_text())
    prompts = [Prompt([{"role": "user", "content": text}], {}, "prompts", n) for n, text in enumerate(texts)]
    settled, model = methods.settled(method, asked), folder.load(place / "model").to(plan.device)
    policy = critic.with_critic(model) if settled.method.critic else model
    experience = Experience(
        policy=policy,
        reference=copy.deepcopy(model).eval().requires_grad_(False),
        tokenizer=tokenizer,
        questions=Questions([Question(prompt, tokenizer.encode(prompt.text)) for prompt in prompts]),
        reward=lambda _, answers: worth(answers),
        watched={},
        settled=settled,
        room=LONGEST,
        seed=0,
        rows_per_pass=plan.rows_per_pass,
        device=plan.device,
        precision=plan.precision,
    )
    gate = gate_of(place, lambda ids: policy(ids.to(plan.device)).cpu())
    callbacks = [experience.tell, lambda _: gate.step_done()]
    fit(policy, settled.method.objective(asked), experience.batch, plan, callbacks, look_ahead=False)


def theirs(place: Path, settings: Settings, max_tokens: int) -> None:
    """GRPOTrainer with these settings."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    plan = TrainPlan(**json.loads((place / "plan.json").read_text()))

    def reward(completions: list[str], **_: Any) -> list[float]:
        return worth(completions)

    class Held(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            gate.step_done()

    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype=torch.float32)
    arguments = GRPOConfig(
        output_dir=str(place / "trl"),
        max_steps=STEPS,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=torch.device(plan.device).type == "cpu",
        num_generations=ANSWERS,
        max_completion_length=max_tokens,
        **settings,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": x} for x in json.loads((place / "prompts.json").read_text())]),
        processing_class=AutoTokenizer.from_pretrained(place / "model", padding_side="left"),
        callbacks=[Held()],
    )
    gate = gate_of(place, lambda ids: model(ids.to(model.device)).logits.cpu())
    trainer.train()


# --- the comparison ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Prepare, search, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--samples", type=int, default=64, help="answers in an optimiser step")
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(__file__, Path(place), timed=AT_ONCE, samples=given.samples, kind="answers")
        found = prepare(bench.place, given.depth, given.width, given.samples, given.device)
        parameters = sum(p.numel() for p in folder.load(bench.place / "model").parameters())
        print(
            f"{parameters:,} parameters, {given.samples} answers a step, {ANSWERS} a prompt; torch {torch.__version__}"
        )
        print(f"{found.name}, {found.device}; ours in {found.precision}")
        limit = {"max_tokens": given.max_tokens}
        quick = {"gradient_checkpointing": False, "bf16": found.precision == "bf16"}
        changes: list[Settings] = [bench.accumulated(n) for n in (16, 32, 64) if n <= given.samples]
        changes += [{"generation_batch_size": AT_ONCE * given.samples}]
        best = bench.best(limit | bench.accumulated(8) | quick, changes)
        print(f"TRL's best settings: {best}")
        drawn = {"rollouts": AT_ONCE * given.samples, "minibatches": AT_ONCE, "epochs": 1} | limit
        sides: dict[str, Settings] = {
            "Onward, GRPO": {"method": "grpo", "answers": ANSWERS} | drawn,
            "Onward, PPO": {"method": "ppo", "answers": 1} | drawn,
            "TRL, GRPO, defaults": limit | bench.accumulated(8),
            "TRL, GRPO, best, with the penalty": best | {"beta": methods.METHODS["grpo"].kl},
            "TRL, GRPO, best, without it": best,
        }
        print(bench.compare(sides, given.rounds, "cross-entropy of one prompt"))


def one_side(place: Path, settings: Settings) -> None:
    if method := settings.pop("method", None):
        ours(place, method, RolloutWishes(**settings))
    else:
        theirs(place, settings, settings.pop("max_tokens"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        one_side(Path(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        main()
