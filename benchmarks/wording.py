"""Metrics of wording, and what they make of meaning.

    pip install 'onward[eval]'
    python benchmarks/wording.py

Statements of the world, each with a paraphrase that says the same and a falsehood in the same words (onward.evaluate.paraphrases). Of each
metric: what it gives to both, and how often it finds the falsehood nearer. A metric of meaning would never.
"""

from __future__ import annotations

from onward.evaluate.paraphrases import SHOWN, cases, fooled
from onward.evaluate.references import signature
from onward.train.measure import Measured
from onward.world import World


def _told(measured: Measured) -> str:
    return f"{measured.value:.3f} ({measured.low:.3f} to {measured.high:.3f})"


def main() -> None:
    found = cases(World())
    print(f"{len(found)} statements about {len({case.about for case in found})} people, such as")
    print(f"  {found[0].statement} / {found[0].paraphrase} / {found[0].falsehood}\n")
    print("| metric | paraphrase | falsehood | the falsehood is found nearer |\n|---|---|---|---|")
    for row in fooled(found):
        print(f"| {row.metric} | {_told(row.paraphrase)} | {_told(row.falsehood)} | {_told(row.fooled)} |")
    for name in SHOWN:
        if signature(name):
            print(signature(name))


if __name__ == "__main__":
    main()
