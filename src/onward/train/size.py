"""From wishes, data and machine to a model's shape and a plan: the rules, each with its reason in words.

How compute is shared between parameters and tokens, and what repeated texts are worth, is in repetition.py. Left out: a law fitted to this
machine and this data (onward.scale).
"""

from __future__ import annotations

import math
from dataclasses import replace

from onward.errors import PlanError
from onward.model.config import MoEConfig, TrunkConfig
from onward.train import compiled, processes
from onward.train.machine import Machine
from onward.train.measure import AT_THE_END
from onward.train.plan import Shape, TrainPlan, Wishes, clock
from onward.train.repetition import MOST_PASSES, best_size

BY_HAND = "set by hand"
EFFICIENCY = 0.4
"""Share of the matrix-product speed that a training step reaches, before one has been measured. Only the size depends on it."""
HEAD_SIZE = 64
VISITED = 2
"""Experts that a token visits, where there are experts."""
LAPTOP = 4.8e13
"""Floating-point operations of ten minutes on two cores."""
MEASURED_NOW_AND_THEN = 8192
"""Held-out targets measured while training, each time the same ones."""
MEMORY_SHARE = 0.8
MINUTES = 10.0
"""How long to train where neither --minutes nor --steps says it."""


def compute(machine: Machine, wishes: Wishes) -> float:
    """Floating-point operations that the training can spend.

    With --steps, a fixed number, whatever the machine and its mood: the same command shall give the same bytes.
    """
    return LAPTOP if wishes.steps else EFFICIENCY * machine.flops * (wishes.minutes or MINUTES) * 60


def vocabulary(flops: float) -> int:
    """The nearest power of two to the fifth root of the compute: 4,096 for minutes on a laptop, 32,768 for an hour on a GPU."""
    wanted = 4096 * (flops / LAPTOP) ** 0.2
    return 1 << round(math.log2(min(max(wanted, 2048), 65536)))


def sequence_length(wishes: Wishes, flops: float) -> int:
    """Short on a laptop, where long texts would eat the minutes; longer as the compute grows."""
    if wishes.length:
        return wishes.length
    return 256 if flops < 1e14 else 512 if flops < 1e16 else 1024 if flops < 1e18 else 2048


def shape(
    asked: Shape,
    *,
    vocab_size: int,
    flops: float,
    length: int,
    unique: float = math.inf,
    most_passes: float = MOST_PASSES,
) -> tuple[TrunkConfig, dict[str, str]]:
    """The Qwen3 shape that comes nearest to the best size, and the reasons. Parameters are those that a token meets in matrix products.

    vocab_size: rounded up to a multiple of 64, which matrix products like.   unique: tokens of the texts, which are not gone over
    more than `most_passes` times.
    Raises ConfigError, PlanError.
    """
    wanted, passes = best_size(flops, unique, most_passes)
    depths = [asked.depth] if asked.depth else list(range(2, 33))
    widths = [asked.width] if asked.width else list(range(HEAD_SIZE * 2, HEAD_SIZE * 33, HEAD_SIZE))

    def distance(candidate: TrunkConfig) -> tuple[float, float]:
        """How far from the parameters wanted, and from the proportions that work at every size: 64 of width a block."""
        slender = abs(math.log(candidate.width / (HEAD_SIZE * candidate.depth)))
        return abs(math.log(candidate.flops_per_token(1) / 2 / wanted)) + 0.3 * slender, slender

    widths = [width for width in widths if _heads(asked, width)]
    if not widths:
        heads = asked.heads or max(1, (asked.width or HEAD_SIZE) // HEAD_SIZE)
        width = f"--width {asked.width}" if asked.width else "any width"
        raise PlanError(
            f"{heads} heads cannot share {width}: each needs an even part of it. Take a --width that {2 * heads} divides."
        )
    candidates = [_qwen3(asked, d, w, -(-vocab_size // 64) * 64, length) for d in depths for w in widths]
    config = min(candidates, key=distance)
    why = f"{flops:.1e} operations at hand buy {wanted / 1e6:.1f}M parameters "
    if passes > 1:
        why += f"and {passes:.1f} passes over {unique:,.0f} tokens" + (", the most" if passes == most_passes else "")
    else:
        why += f"with {flops / (6 * wanted**2):.0f} tokens each"
    reasons = {name: BY_HAND if getattr(asked, name) else why for name in ("depth", "width")}
    if config.moe is not None:
        reasons["moe"] = (
            f"set by hand; each token visits {VISITED}, of half the width, for the compute of a dense layer"
        )
    return config, reasons


def _heads(asked: Shape, width: int) -> int:
    """Attention heads, of 64 where nothing is said; 0 where they cannot share the width evenly. RoPE wants heads of an even size."""
    heads = asked.heads or max(1, width // HEAD_SIZE)
    return heads if width % (2 * heads) == 0 else 0


def _qwen3(asked: Shape, depth: int, width: int, vocab_size: int, length: int) -> TrunkConfig:
    heads = _heads(asked, width)
    return TrunkConfig(
        vocab_size=vocab_size,
        width=width,
        depth=depth,
        heads=heads,
        kv_heads=heads // 2 if heads % 2 == 0 else heads,
        head_size=width // heads,
        ffn_width=3 * width,
        max_positions=length,
        moe=None if asked.experts is None else experts(asked.experts, 3 * width),
    )


def experts(number: int, ffn_width: int) -> MoEConfig:
    """Experts in the place of a feed-forward layer of `ffn_width`, for the same compute a token, but for the router's small share.

    Balance: 0.01, as in Switch (arXiv 2101.03961, section 2.2) and OLMoE (arXiv 2409.02060).
    """
    return MoEConfig(experts=number, experts_per_token=VISITED, expert_width=ffn_width // VISITED, balance=0.01)


def batch(tokens: int, length: int, most: int) -> int:
    """Tokens in a step: the most, but so few that a pass over the data has about a hundred steps; whole sequences."""
    return max(1, min(most, max(1024, tokens // 100)) // length) * length


def base_precision(config: TrunkConfig, length: int, wished: str | None, machine: Machine) -> tuple[str, str]:
    """Of the weights beside which an adapter learns, and why: int8 where fp32 leaves no room for a sequence at a time, even if activations
    are worked out twice. That comes first because it changes nothing in what is learned."""
    if wished is not None:
        return wished, BY_HAND
    weights = 4 * sum(config.parameters().values())
    needed, room = memory_needed(config, length, recompute=True, weights=weights), MEMORY_SHARE * machine.memory
    if needed <= room:
        return "fp32", "memory is enough"
    return (
        "int8",
        f"memory is short: fp32 would need {needed / 1e9:.2g} GB or more, and {room / 1e9:.2g} GB may be used",
    )


def begin(
    plan: TrainPlan, wishes: Wishes, machine: Machine, config: TrunkConfig, *, weights: int | None = None
) -> TrainPlan:
    """`plan` with everything that the user has set and the machine decides. The steps may still be open: see `with_time`.

    weights: as in `memory_needed`.

    Raises PlanError where not even one sequence at a time fits into the machine's memory.
    """
    tokens = wishes.batch or plan.batch_tokens
    if tokens < plan.length:
        raise PlanError(
            f"--batch {tokens:,} tokens is less than one sequence of {plan.length:,}. Raise --batch or lower --length."
        )
    reasons = {
        "length": "short enough to be quick, long enough for a few paragraphs",
        "batch_tokens": "about a hundred steps a pass over the data, up to a limit",
        "rows_per_pass": "as many as fit into memory and keep the machine busy; the rest of a batch is accumulated",
        "lr": "the best of a small sweep (docs/results.md)",
        "device": f"{machine.name}: {machine.flops / 1e9:,.0f} GFLOP/s measured in {machine.precision}",
        "precision": "bf16 where the hardware has it, fp32 where it would be emulated",
    }
    if wishes.ema:
        reasons["ema"] = "set by hand; what is saved, and measured on held-out data, is the average"
    if wishes.keep:
        reasons["keep"] = "set by hand; each checkpoint's model is a folder of its own, in kept/"
    if wishes.skip_spikes:
        reasons["skip_spikes"] = (
            "a spike's batch is left out; three spikes in a row, and the training goes back to a checkpoint"
        )
    by_hand = {"length": wishes.length, "batch_tokens": wishes.batch, "lr": wishes.lr, "device": wishes.device}
    by_hand |= {"precision": wishes.precision, "steps": wishes.steps, "checkpoint_every": wishes.checkpoint_every}
    at_once = 4096 if machine.device == "cpu" else 65536
    rows, room = tokens // plan.length, MEMORY_SHARE * machine.memory
    fitting = [
        r for r in divisors(rows) if r == 1 or r * plan.length <= at_once
    ]  # all passes alike: one program serves them
    recompute = memory_needed(config, plan.length, weights=weights) > room

    def needed(rows: int) -> int:
        return memory_needed(config, rows * plan.length, recompute=recompute, weights=weights)

    per_pass = next((r for r in reversed(fitting) if needed(r) <= room), 1)
    _check_memory(needed(per_pass), machine, int8_left=plan.base_precision == "fp32")
    reasons["recompute"] = (
        "activations are worked out twice, since memory is short" if recompute else "memory is enough"
    )
    seconds = (wishes.minutes or MINUTES) * 60
    if wishes.steps:
        seconds = wishes.steps * tokens * 3 * config.flops_per_token(plan.length) / (LAPTOP / 600)
    experts = config.moe is not None
    why_not = "as you asked" if wishes.eager else compiled.why_not(machine.device, experts=experts, seconds=seconds)
    reasons["compile"] = why_not or "the blocks are compiled once, and then every step is quicker"
    return replace(
        plan,
        steps=wishes.steps or plan.steps,
        batch_tokens=tokens,
        rows_per_pass=per_pass,
        compile=why_not is None,
        recompute=recompute,
        lr=wishes.lr or plan.lr,
        ema=wishes.ema,
        skip_spikes=wishes.skip_spikes,
        keep=wishes.keep,
        seed=wishes.seed,
        device=machine.device,
        precision=machine.precision,
        reasons=plan.reasons | reasons | {name: BY_HAND for name, value in by_hand.items() if value},
    )


def divisors(number: int) -> list[int]:
    """Of a whole number above 0, rising."""
    return [d for d in range(1, number + 1) if number % d == 0]


def with_time(
    plan: TrainPlan,
    wishes: Wishes,
    *,
    seconds_per_step: float,
    rows: int,
    most_passes: float | None = None,
    spent: float = 0.0,
) -> TrainPlan:
    """The number of steps that fits into the minutes, now that a step has been measured, and the pace of checkpoints.

    rows: of the training data.   most_passes: no more passes over it than this, however much time there is.
    spent: seconds of the minutes that are gone: on reading, cutting, compiling. At least half of the minutes is for the steps.
    """
    per_pass = max(1, rows / plan.rows)
    reasons = dict(plan.reasons)
    steps, time_for_steps, most_steps = plan.steps, None, None
    if not wishes.steps:
        minutes = wishes.minutes or MINUTES
        at_the_end = AT_THE_END / 3 / plan.batch_tokens * seconds_per_step  # the last measurement
        time_for_steps = max(minutes * 60 - spent - at_the_end, minutes * 30)
        steps = int(time_for_steps / seconds_per_step)
        if steps < 1:
            form = ".1f" if seconds_per_step >= 1 else ".2g"
            raise PlanError(
                f"--minutes {minutes:g} is too short for one step, which takes {seconds_per_step:{form}} s here. Give it more."
            )
        reasons["steps"] = f"{clock(time_for_steps)} at {seconds_per_step:.2f} s a step"
        most_steps = max(1, round(most_passes * per_pass)) if most_passes else None
        if most_steps and steps > most_steps:
            steps = most_steps
            reasons["steps"] = (
                f"{most_passes:g} passes over the data, though {reasons['steps']} allow more: they would be learned by heart"
            )
    reasons["steps"] += f"; {steps / per_pass:.1f} passes over the data, {clock(steps * seconds_per_step)}"
    reasons["held_out_every"] = "about twenty measurements, or fewer where they would take more than 2 % of the time"
    reasons.setdefault("checkpoint_every", "about a minute of work can be lost, never more")
    return replace(
        plan,
        steps=steps,
        held_out_every=held_out_every(steps, plan.batch_tokens),
        checkpoint_every=wishes.checkpoint_every or a_minute(steps, seconds_per_step),
        minutes=None if time_for_steps is None else time_for_steps / 60,
        most_steps=most_steps,
        reasons=reasons,
    )


def in_time(plan: TrainPlan, done: int, seconds: float) -> TrainPlan:
    """The plan with as many steps as fit into its minutes, now that `done` of them took `seconds`, while its rate is still flat.

    Up to when the rate begins to fall, it does not depend on how many steps will come. If with the new count it is time for that, it
    falls from here on, and that was the last count; otherwise the rate stays flat, and the steps are counted again when its new time has
    come. So neither a plan made in a bad moment nor a machine that slows down or wakes up decides how long a training takes: only the
    pace of its last part is still a guess.
    """
    assert plan.minutes is not None
    pace = seconds / done
    steps = done + max(int((plan.minutes * 60 - seconds) / pace), 1)
    steps = min(steps, plan.most_steps or steps)
    # What spikes go back to, and what is kept, are the regular checkpoints, so those must not change their pace.
    fixed = plan.skip_spikes or plan.keep or plan.reasons.get("checkpoint_every") == BY_HAND
    again = replace(
        plan,
        steps=steps,
        warmup=min(plan.warmup * plan.steps, done) / steps,
        held_out_every=held_out_every(steps, plan.batch_tokens),
        checkpoint_every=plan.checkpoint_every if fixed else a_minute(steps, pace),
        reasons=plan.reasons | {"steps": f"{clock(pace * steps)} at {pace:.2f} s a step, counted again after {done:,}"},
    )
    return again if again.decay_from > done else replace(again, decay=(steps - done) / steps, planned_again=done)


def a_minute(steps: int, seconds_per_step: float) -> int:
    """Steps in about a minute, between checkpoints."""
    return max(1, min(steps, round(60 / seconds_per_step)))


def held_out_every(steps: int, batch_tokens: int) -> int:
    """Steps between measurements on held-out data: about twenty of them, or fewer where they would take more than 2 % of the time."""
    measurement = MEASURED_NOW_AND_THEN / 3 / batch_tokens  # in steps: a forward pass is a third of one
    return max(1, steps // 20, round(50 * measurement))


def memory_needed(config: TrunkConfig, tokens: int, *, recompute: bool = False, weights: int | None = None) -> int:
    """Bytes in each process for weights, gradients, two moments (fp32), and the activations and logits of `tokens` at once. From above.

    recompute: what goes into each block is kept, and the rest of one block at a time.
    weights: bytes for the first three, where not all of the model learns (learned.py).
    """
    if weights is None:
        weights = 16 * sum(config.parameters().values()) // processes.count()
    block = 4 * tokens * (12 * config.width + 4 * config.ffn_width)
    activations = block + 4 * tokens * config.depth * config.width if recompute else config.depth * block
    return int(weights + activations + 12 * tokens * config.head_outputs)


def _check_memory(needed: int, machine: Machine, *, int8_left: bool) -> None:
    if needed > machine.memory:
        raise PlanError(
            f"this training needs about {needed / 1e9:.1f} GB and {machine.device} has {machine.memory / 1e9:.1f} GB free. "
            + (
                "Try --base-precision int8, or lower --length."
                if int8_left
                else "Lower --length, or take a smaller model (--width, --depth)."
            )
        )


def explained(plan: TrainPlan, reasons: dict[str, str]) -> TrainPlan:
    """The plan with reasons for what is not in it, such as the model's shape."""
    return replace(plan, reasons=plan.reasons | reasons)
