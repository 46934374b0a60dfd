"""Few-shot image classification: a tuned vision-language model against logistic regression.

For each seed, classes, examples and tests are drawn; the model is tuned with LoRA on 1, 2, 4, 8 and
16 examples a class to say the class's name, and logistic regressions are fitted to features of the
same pictures. Scores (JSON), tables (Markdown) and a plot (SVG) are written to a folder.

On a GPU:  python -m learning.recipes.few_shot_images pictures/ --model Qwen/Qwen3-VL-8B-Instruct \\
               --features facebook/dinov2-large tower
In small:  python -m learning.recipes.few_shot_images emoji digits
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from huggingface_hub import snapshot_download

from learning.policy import backbone
from learning.policy.local import LocalTrainer
from learning.recipes.few_shot_images import emoji, experiment, features, plot, small, sources
from learning.recipes.few_shot_images.episodes import TooFewPictures
from learning.recipes.few_shot_images.experiment import Experiment, OtherSetting, Plan
from learning.recipes.few_shot_images.packages import NotFetched
from learning.recipes.few_shot_images.results import Results, Score
from learning.recipes.few_shot_images.sources import NoPictures
from learning.recipes.few_shot_images.speaker import Speaker, Tuning, language

KEPT = Path(".danas/recipes")
SMALL = "small"
UNFINISHED = 3


def main(given: Sequence[str] | None = None) -> int:
    """0: all is scored; 3: there was no time for all of it, and the same command goes on."""
    arguments = _arguments(given)
    deadline = time.monotonic() + 60 * arguments.minutes
    try:
        runs = _run(arguments, deadline)
    except (NoPictures, NotFetched, TooFewPictures, OtherSetting) as error:
        sys.exit(str(error))
    if runs is None:
        _say("There was no time for all of it; the same command goes on from here.")
        return UNFINISHED
    (arguments.out / "few_shot_images.svg").write_text(plot.svg(runs))
    tables = "\n\n".join(f"## {r.gallery}\n\n{r.table()}\n\n{r.leads()}" for r in runs)
    tables = f"{tables.strip()}\n"
    (arguments.out / "few_shot_images.md").write_text(tables)
    _say(tables)
    _say(f"Written to {arguments.out}.")
    return 0


def _run(arguments: argparse.Namespace, deadline: float) -> list[Results] | None:
    """None: the deadline came first."""
    folder = _model(arguments, deadline)
    if folder is None:
        return None
    base = backbone.load(folder)
    speaker = Speaker(LocalTrainer(base), language(folder))
    extractors = [features.extractor(name, base) for name in arguments.features]
    plan, runs = _plan(arguments), []
    for source in arguments.pictures:
        gallery = sources.gallery(source, KEPT)
        path = arguments.out / f"{gallery.name}.json"
        results = experiment.begun(path, gallery, arguments.model, plan)
        trials = Experiment(gallery, plan, speaker, extractors)
        if not trials.run(results, path, deadline, partial(_tell, gallery.name)):
            return None
        runs.append(results)
    return runs


def _model(arguments: argparse.Namespace, deadline: float) -> Path | None:
    """The folder of the model that was asked for; the small one is made if it is not there."""
    if arguments.model == SMALL:
        folder = KEPT / f"small-{arguments.small_steps}"
        if not folder.exists():
            _say("Making the small model; the first time takes a while …")
        drawings = [] if folder.exists() else emoji.others(KEPT)
        return folder if small.make(folder, drawings, arguments.small_steps, deadline) else None
    given = Path(arguments.model)
    return given if given.is_dir() else Path(snapshot_download(arguments.model))


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        shots=tuple(sorted(set(arguments.shots))),
        seeds=tuple(range(arguments.seeds)),
        classes=arguments.classes,
        tests=arguments.tests,
        tuning=Tuning(arguments.steps, arguments.batch, arguments.learning_rate, arguments.rank),
    )


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m learning.recipes.few_shot_images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan, tuning = Plan(), Plan().tuning
    add = parser.add_argument
    add("pictures", nargs="+", help="a folder of CLASS/PICTURE, hub:NAME, emoji, or digits")
    add("--model", default=SMALL, help="a folder, a name on the hub, or small (default)")
    add(
        "--features",
        nargs="*",
        default=["tower", "hog", "pixels"],
        help="tower (the model's own), hog, pixels, or a name such as facebook/dinov2-large",
    )
    add("--shots", nargs="+", type=_count, default=list(plan.shots), help="examples a class")
    add("--seeds", type=_count, default=len(plan.seeds), help="how many draws")
    add("--classes", type=_count, default=plan.classes, help="drawn from those there are")
    add("--tests", type=_count, default=plan.tests, help="pictures a class, at most")
    add("--steps", type=_count, default=tuning.steps, help="of tuning")
    add("--batch", type=_count, default=tuning.batch, help="examples a step")
    add("--learning-rate", type=float, default=tuning.learning_rate)
    add("--rank", type=_count, default=tuning.rank, help="of the adapter")
    add("--small-steps", type=_count, default=small.STEPS, help="of making the small model")
    add("--minutes", type=float, default=float("inf"), help="stop after so long, to go on later")
    add("--out", type=Path, default=KEPT / "few_shot_images", help="a folder")
    return parser.parse_args(given)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than one")
    return number


def _tell(gallery: str, score: Score) -> None:
    _say(
        f"{gallery}, seed {score.seed}, {score.shots} a class, {score.method}: "
        f"{score.right} of {score.asked} ({score.seconds:.0f} s)"
    )


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
