"""How much a model made from the island's texts really knows: every question about everybody, asked and counted.

    python examples/ask_island.py runs/island

The last ten people were never asked about in the chats; what the model says of them it must have read in the texts. A guess is
right about one time in eight, for jobs, animals and foods alike, and hardly ever for neighbours.
"""

from __future__ import annotations

import sys

from island import ASKED, QUESTIONS, people

import onward


def main(run: str) -> None:
    """Ask at temperature 0; an answer counts when it is word for word right."""
    model, island = onward.load(run), people()
    for who, group in (("asked about in the chats", island[:ASKED]), ("never asked about", island[ASKED:])):
        for kind, (questions, answer) in QUESTIONS.items():
            asked = [(question.format(**person), answer.format(**person)) for person in group for question in questions]
            said = [model([{"role": "user", "content": question}], temperature=0)[0].text for question, _ in asked]
            right = sum(text == wanted for text, (_, wanted) in zip(said, asked, strict=True))
            print(f"{who}, {kind}: {right} of {len(asked)} right")


if __name__ == "__main__":
    main(sys.argv[1])
