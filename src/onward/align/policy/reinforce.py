"""Reinforcement of a chat model on prompts: everything up to the first step of PPO, GRPO, RLOO, best-of-n or rejection sampling.

The loop is that of every training. Source of the whole: Ouyang et al. 2022 (arXiv 2203.02155), section 3.5. Left out: learning from
preferences without a reward (align/direct), and several processes.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from onward.align.policy import critic, methods
from onward.align.policy.experience import Experience
from onward.align.policy.measuring import PolicyData
from onward.align.policy.questions import encode
from onward.align.policy.rewards import folders, opened, written
from onward.align.policy.warnings import warnings
from onward.align.wishes import RolloutWishes
from onward.corpus.prompts import prompt_files, read_prompts
from onward.errors import PlanError
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, processes, size
from onward.train.callbacks import metrics_of, read_metrics
from onward.train.fit import Callback, Step
from onward.train.parent import Parent, files_of
from onward.train.plan import TrainPlan, Wishes
from onward.train.training import Training, settled, sources_of
from onward.train.workspace import Workspace

LONGEST = 1024
"""Tokens of a prompt with its answer where --length says nothing and the model has positions for more."""


def prepare(
    base: Path,
    prompts: Path,
    workspace: Workspace,
    wishes: Wishes,
    *,
    asked: RolloutWishes,
    method: str,
    rewards: Sequence[str],
    watched: Sequence[str] = (),
    skip_bad: bool = False,
    console: Console,
) -> Training[PolicyData]:
    """Everything up to the first step.

    base: an instructed model.   method: one of METHODS.   rewards: learned by, as in rewards.py.   watched: only looked at.
    Raises FolderError, TokenizerError, DataError, PlanError.
    """
    processes.alone("rl")
    began = time.perf_counter()
    chosen = methods.settled(method, asked)
    if wishes.batch is not None:
        raise PlanError("--batch: what a step learns from is given by --rollouts and --minibatches. Leave it out.")
    if not rewards:
        raise PlanError(
            f"--method {method} needs a --reward: a reward model's folder, FILE.py:FUNCTION, gold or right."
        )
    tokenizer, parent = Tokenizer.load(base), Parent.instructed(base)
    found = machine.measure(wishes.device, wishes.precision)
    reward, watch = opened(rewards, found.device), {name: opened([name], found.device) for name in watched}
    model = parent.load(tokenizer.highest_id)
    length = parent.length(wishes.length, LONGEST)
    room = length - chosen.max_tokens
    if room < 1:
        raise PlanError(
            f"--max-tokens {chosen.max_tokens}: an answer and its prompt have {length} positions together. Lower it."
        )
    source = read_prompts(prompts, skip_bad=skip_bad)
    sides = encode(source, tokenizer, room, skip_bad=skip_bad)
    console.print(f"{prompts}: {source.format}")
    if out := source.skipped + sides.skipped:
        console.print(f"{out:,} bad lines left out")

    reference = copy.deepcopy(model).eval().requires_grad_(False)
    policy = (critic.with_critic(model) if chosen.method.critic else model).to(found.device)
    rows = max(1, chosen.rollouts // chosen.minibatches)
    typical = chosen.max_tokens + max(1, round(sum(len(q.ids) for q in sides.train.all) / sides.train.rows))
    draft = size.begin(
        TrainPlan(
            steps=1,
            length=min(typical, length),
            batch_tokens=rows * min(typical, length),
            rows_per_pass=1,
            lr=0.001,
            lr_embedding=0.0005,
            warmup=0.1,
        ),
        replace(wishes, length=None, eager=True),
        found,
        model.config,
    )
    draft = size.explained(draft, _reasons(method, chosen, rewards, wishes))
    experience = Experience(
        policy=policy,
        reference=reference.to(draft.device),
        tokenizer=tokenizer,
        questions=sides.train,
        reward=reward,
        watched=watch,
        settled=chosen,
        room=length,
        seed=draft.seed,
        rows_per_pass=draft.rows_per_pass,
        device=draft.device,
        precision=draft.precision,
    )
    objective = chosen.method.objective(asked)
    drawing = [0.0]

    def of_the_first_drawing(i: int) -> Any:
        """While steps are timed; the drawing itself is timed apart."""
        if experience.number < 0:
            at = time.perf_counter()
            experience.batch(0)
            drawing[0] = time.perf_counter() - at
        return experience.batch(i % chosen.steps)

    def finish(seconds: float) -> TrainPlan:
        return size.with_time(
            draft,
            wishes,
            seconds_per_step=seconds + drawing[0] / chosen.steps,
            rows=max(1, sides.train.rows * chosen.steps * draft.rows // chosen.prompts),
            most_passes=wishes.passes,
            spent=time.perf_counter() - began,
        )

    plan = settled(workspace, policy, objective, of_the_first_drawing, draft, finish)
    return Training(
        verb="rl",
        workspace=workspace,
        model=policy,
        tokenizer=tokenizer,
        tokenizer_folder=base,
        plan=plan,
        objective=objective,
        batches=experience.batch,
        data=PolicyData(
            tokenizer=tokenizer,
            sides=sides,
            reward=reward,
            watched=watch,
            began=reference,
            max_tokens=chosen.max_tokens,
        ),
        sources=sources_of(prompt_files(prompts)),
        parents=[parent.lineage, *(Parent.at(path, outputs="score").lineage for path in folders(rewards))],
        family=parent.family,
        write=_write,
        kept={"experience": experience},
        callbacks=[experience.tell, _warn(workspace.folder / "metrics.jsonl", chosen.steps, console)],
        look_ahead=False,
    )


def _reasons(method: str, chosen: methods.Settled, rewards: Sequence[str], wishes: Wishes) -> dict[str, str]:
    drawn = f"{chosen.rollouts}: answers drawn, {chosen.answers} to each of {chosen.prompts} prompts"
    price = "" if chosen.method.imitates else f", the price of a nat of divergence {chosen.kl:g}"
    if chosen.kl_target is not None:
        price += f" at first, then so that it is {chosen.kl_target:g} an answer"
    reasons = {
        "method": f"{method}: by {' + '.join(rewards)}{price}",
        "rollouts": f"{drawn}; {chosen.steps} steps learn from them",
        "length": f"a prompt of usual length, and {chosen.max_tokens} tokens of an answer at most",
        "batch_tokens": f"{max(1, chosen.rollouts // chosen.minibatches)} answers, if all of them were so long",
        "compile": "answers differ in length, and every length would be compiled anew",
    }
    if not wishes.lr:
        reasons["lr"] = "a sixth of that of instruction tuning, since each step changes what is drawn next"
    return reasons


def _write(path: Path, model: LanguageModel, **further: Any) -> None:
    folder.save(path, critic.without_critic(model), **further)


def _warn(metrics: Path, steps: int, console: Console) -> Callback:
    """Say, once each, what is going wrong.   steps: between two drawings."""
    said, history = set[str](), list[dict[str, Any]]()
    history += (line for line in read_metrics(metrics) if line["step"] % steps == 0)

    def callback(step: Step) -> None:
        if step.number % steps == 0:
            history[:] = [line for line in history if line["step"] < step.number] + [metrics_of(step)]
            for about, text in warnings(history).items():
                if about not in said:
                    said.add(about)
                    console.print(f"Look: {text}", highlight=False)

    return callback


def request(
    base: Path,
    prompts: Path,
    wishes: Wishes,
    asked: RolloutWishes,
    *,
    rewards: Sequence[str],
    watched: Sequence[str] = (),
    **further: Any,
) -> dict[str, Any]:
    """What makes two starts the same run.   Raises FolderError where the base is no model folder."""
    folder.read_config(base)
    judges = [file for path in folders([*rewards, *watched]) if path.is_dir() for file in files_of(path)]
    judges += written([*rewards, *watched])
    sources = {"base": files_of(base), "prompts": prompt_files(prompts), "judges": judges}
    return (
        {"verb": "rl", "rewards": list(rewards), "watched": list(watched)}
        | {name: sources_of(files) for name, files in sources.items()}
        | asdict(wishes)
        | asdict(asked)
        | further
    )
