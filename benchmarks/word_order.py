"""The order of English words as a table: data/english_order.npz of the cleaning, counted from English texts.

    python benchmarks/word_order.py BOOKS.jsonl [--characters 30000] [-o src/onward/corpus/cleaning/data/english_order.npz]

The one in the repository was made from the beginnings of 179 books in simple English that are in the public domain. Only counts of pairs
of word classes are kept. It must be made again when the list of words (data/english.txt) or the classes change.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from onward.corpus.cleaning import word_order
from onward.corpus.read import documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--characters", type=int, default=30_000, help="of each text, from its beginning")
    place = Path(word_order.__file__).parent / "data" / "english_order.npz"
    parser.add_argument("-o", "--out", type=Path, default=place)
    given = parser.parse_args()
    counts = word_order.empty_counts()
    for document in documents(given.texts):
        text = document.text[: given.characters]
        for start in range(0, len(text), word_order.LOOKED_AT):
            seen, times = np.unique(word_order.pairs(text[start : start + word_order.LOOKED_AT]), return_counts=True)
            counts[seen] += times
    seen = np.flatnonzero(counts > 1)  # a pair seen once tells little and takes as much room
    steps = np.diff(seen, prepend=0).astype(np.uint32)
    np.savez_compressed(given.out, steps=steps, times=counts[seen].astype(np.uint32))
    print(
        f"{int(counts.sum()):,} pairs of words, {len(seen):,} kinds; {given.out.stat().st_size:,} bytes in {given.out}"
    )


if __name__ == "__main__":
    main()
