"""The pictures of docs/align.md, from a run of the default road: a stage each, as the reports draw them.

    python benchmarks/road_pictures.py runs/world -o docs

Left out: measuring anything. It reads what the stages wrote.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from onward.align.calibration import Judgement, calibration
from onward.report.figures import curves
from onward.report.judging.picture import picture
from onward.report.reinforcing.drawings import drawings_of
from onward.report.reinforcing.picture import panels
from onward.train.callbacks import read_metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    asked = parser.parse_args()
    lines = (asked.run / "reward" / "held_out.jsonl").read_text(encoding="utf-8").splitlines()
    judged = [Judgement(**json.loads(line)) for line in lines]
    reinforced = panels(drawings_of(read_metrics(asked.run / "chat" / "metrics.jsonl")), None)
    found = {
        "sft": curves(read_metrics(asked.run / "sft" / "metrics.jsonl")),
        "reward": picture(calibration(judged), judged),
        "rl": reinforced[0].picture,
        "rl_divergence": next(panel.picture for panel in reinforced if panel.title.startswith("KL")),
    }
    for stage, drawn in found.items():
        (asked.out / f"align_{stage}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
