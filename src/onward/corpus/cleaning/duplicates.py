"""Duplicates: exact ones by a hash, near ones by MinHash, both by datatrove; of several copies the first in reading order stays.

Near duplicates in three steps. datatrove's signatures and buckets propose pairs: documents that share the smallest hashes of their word
trigrams in one of BUCKETS groups (Broder 1997; Leskovec et al., "Mining of Massive Datasets", 3.4). Each pair is then compared in full,
and is a pair only if at least SIMILAR of all trigrams of the two are in both (Jaccard). datatrove's own way ends with the proposal, which
on texts that share phrases drops what only looks alike. Then datatrove joins pairs to clusters.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.utils.hashing import HashConfig
from numpy.typing import NDArray

from onward.corpus.cleaning import parts
from onward.corpus.cleaning.words import Words

SHA1 = HashConfig(precision=64, hash_fc="sha1")
TRIGRAMS = 3
BUCKETS, HASHES = 25, 4
"""A pair with Jaccard J is proposed with probability 1 - (1 - J^HASHES)^BUCKETS: 0.999 at J = 0.7."""
SIMILAR = 0.75
"""Jaccard of word trigrams: 5 words in 100 replaced leave about 0.74; texts on one event by two writers stay below 0.3, and short ones
made from one template, with other facts, mostly below 0.75 (the similarity that FineWeb aims at)."""
FIRST = 65_535


def _content(document: Document) -> str:
    return " ".join(document.text.split())


def _priority(document: Document) -> int:
    """datatrove keeps the copy of the highest priority, and of several in one part the first: here, that of the first part."""
    part: int = document.metadata["place"][0]
    return max(1, FIRST - part)


def _exact() -> ExactDedupConfig:
    return ExactDedupConfig(content_getter=_content, document_priority=_priority, hash_config=SHA1)


def exact_signatures(folder: Path) -> list[Any]:
    return [ExactDedupSignature(str(folder / "exact"), _exact())]


def exact_search(folder: Path) -> list[Any]:
    """One task."""
    return [ExactFindDedups(str(folder / "exact"), str(folder / "exact-found"), _exact(), lines_to_buffer=4096)]


def without_exact(folder: Path) -> list[Any]:
    """The copies that stay carry `copies`: how many others went."""
    gone = parts.dropped(folder, "exact-duplicate")
    return [ExactDedupFilter(str(folder / "exact-found"), _exact(), exclusion_writer=gone), _copies]


def _copies(data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG001
    for document in data:
        copies = document.metadata.pop("duplicate_count", 0)
        if copies:
            document.metadata["copies"] = copies
        yield document


@lru_cache
def _near() -> MinhashConfig:
    return MinhashConfig(n_grams=TRIGRAMS, num_buckets=BUCKETS, hashes_per_bucket=HASHES, hash_config=SHA1)


def near_signatures(folder: Path) -> list[Any]:
    return [MinhashDedupSignature(str(folder / "near"), config=_near(), language=Words())]


def near_buckets(folder: Path) -> list[Any]:
    """As many tasks as one likes, up to BUCKETS."""
    return [Buckets(str(folder))]


@dataclass
class Buckets:
    """datatrove's search, in which each bucket is a task, with several buckets in one: of a small corpus, all."""

    folder: str

    def __call__(self, _data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> None:
        for bucket in range(rank, BUCKETS, world_size):
            MinhashDedupBuckets(
                str(Path(self.folder, "near")),
                str(Path(self.folder, "near-pairs")),
                config=_near(),
                lines_to_buffer=4096,
            ).run(None, bucket, BUCKETS)


def near_clusters(folder: Path) -> list[Any]:
    """One task: pairs compared in full, joined, and of each cluster all but the first noted."""
    joined = MinhashDedupCluster(
        str(folder / "near-sure"),
        str(folder / "near-found"),
        config=_near(),
        save_cluster_id=True,
        lines_to_buffer=4096,
    )
    return [Compared(str(folder)), joined, FirstStays(str(folder))]


def without_near(folder: Path) -> list[Any]:
    return [MinhashDedupFilter(str(folder / "near-found"), exclusion_writer=parts.dropped(folder, "near-duplicate"))]


Place = tuple[int, int]
"""Part, and number in the part."""


@dataclass
class Compared:
    """Keeps of the proposed pairs those that are similar in full. Holds the trigrams of the documents in question: 8 bytes a word."""

    folder: str

    def __call__(self, _data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> None:  # noqa: ARG002
        proposed = {path.name: list(_pairs(path)) for path in sorted(Path(self.folder, "near-pairs").glob("*.dups"))}
        pairs = sorted({pair for found in proposed.values() for pair in found})
        trigrams = self._trigrams({place for pair in pairs for place in pair})
        sure = {(a, b) for a, b in pairs if jaccard(trigrams[a], trigrams[b]) >= SIMILAR}
        out = Path(self.folder, "near-sure")
        out.mkdir(parents=True, exist_ok=True)
        for name, found in proposed.items():
            kept = dict.fromkeys(pair for pair in found if pair in sure)
            (out / name).write_bytes(b"".join(struct.pack("<4I", *a, *b) for a, b in kept))

    def _trigrams(self, places: set[Place]) -> dict[Place, NDArray[np.uint64]]:
        wanted = defaultdict(set)
        for part, number in places:
            wanted[part].add(number)
        shingles = MinhashDedupSignature(str(Path(self.folder, "near")), config=_near(), language=Words()).get_shingles
        files = sorted(Path(self.folder, "judged").glob("*.jsonl"))
        return {
            (part, number): np.unique(shingles(document.text))
            for part, numbers in sorted(wanted.items())
            for number, document in enumerate(parts.lines_of(files[part]))
            if number in numbers
        }


def _pairs(path: Path) -> Iterator[tuple[Place, Place]]:
    for part, number, other_part, other_number in struct.iter_unpack("<4I", path.read_bytes()):
        yield (part, number), (other_part, other_number)


def jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    """The share of what is in both of two sorted sets."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(len(one) + len(other) - both, 1)


@dataclass
class FirstStays:
    """Writes anew which documents go: of each cluster all but the first. datatrove keeps one that its union-find happens to end at."""

    folder: str

    def __call__(self, _data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> None:  # noqa: ARG002
        found = Path(self.folder, "near-found")
        clusters: dict[int, list[Place]] = defaultdict(list)
        for path in sorted(found.glob("*.clusters")):
            for number, cluster in struct.iter_unpack("<2I", path.read_bytes()):
                clusters[cluster].append((int(path.stem), number))
        gone = sorted(place for members in clusters.values() for place in sorted(members)[1:])
        for path in found.glob("*.remove"):
            path.unlink()
        by_part: dict[int, list[int]] = defaultdict(list)
        for part, number in gone:
            by_part[part].append(number)
        for part, numbers in by_part.items():
            (found / f"{part:06d}.remove").write_bytes(struct.pack(f"<{len(numbers)}I", *numbers))
