"""Train the ablation of interactive segmentation with a light encoder, and count its clicks.

    python scripts/clicks_ablation.py --data data/train --test data/test --out ablation --hours 2

Trains base, +T, +I, +F and +G (Forte's thesis, section 3.3.3) for equal times and evaluates each,
and GrabCut with the clicks as its seeds. Figures go to OUT/*.json and are printed at the end. A run
that was cut off goes on where it stood.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gfm.__main__ import main as gfm
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs

OFF = {"stream": "false", "feedback": "false", "guided_filter": "false"}
VARIANTS: dict[str, dict[str, str]] = {
    "base": {**OFF, "bundled": "true"},
    "t": OFF,
    "ti": {"feedback": "false", "guided_filter": "false"},
    "tif": {"guided_filter": "false"},
    "tifg": {},
}
LIGHT = {
    "backbone": "timm:tf_efficientnet_lite0",
    "width": "0.25",
    "mean": "[0.5, 0.5, 0.5]",
    "std": "[0.5, 0.5, 0.5]",
    "learning_rate": "3e-4",
    "milestones": "[]",
}


def main() -> int:
    """Train and evaluate every variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="original/ and mask/ to train on")
    parser.add_argument("--test", required=True, type=Path, help="original/ and mask/ to count on")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--hours", type=float, default=2.0, help="of all trainings together")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--weights", default="package", help="of the encoder; null for none")
    parser.add_argument("--size", type=int, default=192, help="of the crops, in px")
    options = parser.parse_args()
    return run_command(lambda: ablate(options))


def ablate(options: argparse.Namespace) -> None:
    """Train and evaluate.

    Raises:
        FailedInputs: A step ended with an error.
    """
    failed = []
    for name in options.variants:
        model = options.out / name / "version_0/checkpoints/last.safetensors"
        if not model.is_file() and train(name, options):
            failed.append(f"{name}: the training failed")
        elif evaluate(name, str(model), options):
            failed.append(f"{name}: the evaluation failed")
    if evaluate("grabcut", "grabcut", options):
        failed.append("grabcut: the evaluation failed")
    for name in (*options.variants, "grabcut"):
        report = options.out / f"{name}.json"
        if report.is_file():
            figures = json.loads(report.read_text())["figures"]
            told = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
            sys.stdout.write(f"{name}: {told}\n")
    if failed:
        raise FailedInputs(failed)


def train(name: str, options: argparse.Namespace) -> int:
    """Train one variant for its share of the time; the exit code."""
    minutes = max(round(60 * options.hours / len(options.variants)), 1)
    settings = {**LIGHT, "weights": options.weights, **VARIANTS[name]}
    flags = [f"--model.init_args.{key}={value}" for key, value in settings.items()]
    return gfm(
        [
            *("fit", "--model", "gfm.models.clicks.task.ClicksTask", *flags),
            *("--data.shards", str(options.data), "--data.batch_size", "1", "--data.workers", "0"),
            *("--data.crop.sides", f"[{options.size}, {2 * options.size}]"),
            *("--data.crop.size", str(options.size), "--data.crop.jitter", "0.2"),
            *("--trainer.max_time", f"00:{minutes // 60:02}:{minutes % 60:02}:00"),
            *("--trainer.max_epochs", "-1", "--trainer.accelerator", "cpu"),
            "--trainer.logger=pytorch_lightning.loggers.CSVLogger",
            f"--trainer.logger.init_args.save_dir={options.out}",
            f"--trainer.logger.init_args.name={name}",
        ]
    )


def evaluate(name: str, model: str, options: argparse.Namespace) -> int:
    """Count the clicks of one model; the exit code."""
    report = str(options.out / f"{name}.json")
    pictures = ("--pictures", str(options.out / "sessions" / name))
    words = ("--model", model, "--data", str(options.test), "--json", report, *pictures)
    return gfm(["evaluate-clicks", *words])


if __name__ == "__main__":
    sys.exit(main())
