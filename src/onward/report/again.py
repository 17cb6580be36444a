"""How to do a run again: its commands in order, and what will then be the same to the last bit and what will not."""

from __future__ import annotations

from collections.abc import Sequence

from onward.report.ancestry import Made, walk

LIKE = "a model much like this one, not the same"


def sameness(roots: Sequence[Made]) -> str:
    """In words, by the plans of all that was trained; "" where nothing was."""
    plans = {made.name: made.history.plan for made in walk(roots) if "steps" in made.history.plan}
    clocked = [name for name, plan in plans.items() if plan.get("minutes") is not None]
    if clocked:
        return (
            f"{_listed(clocked)} {'was' if len(clocked) == 1 else 'were'} given minutes. How many steps fit into them is up to the machine "
            f"and the day, so doing it again gives {LIKE}. With --steps instead of the minutes, the same command on a CPU gives the same "
            "weights every time, bit for bit."
        )
    if any(str(plan.get("device", "")) != "cpu" for plan in plans.values()):
        return f"It did not run on a CPU alone, and elsewhere sums have no fixed order: doing it again gives {LIKE} to the last bit."
    if plans:
        return (
            "The steps were given and it ran on a CPU: the same command gives the same weights, bit for bit, on such a machine with these "
            "versions. Dates and seconds are those of the day."
        )
    return ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
