"""`evaluate_memory FILE`: how much of what will be asked for is still in the window.

Needs no database and nothing that runs.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference.errors import TemplateRefused
from inference.tokenizer import ChatTokenizer
from learning.errors import CheckpointInvalid
from learning.memory import locomo
from learning.memory.counting import Way
from learning.memory.dialogue import Dialogue
from learning.memory.evaluation import POLICIES, OverBudget
from learning.memory.measuring import Model, Plan, measure
from learning.memory.report import Report, tables, write

FORMATS = {"locomo": locomo.read}
BUDGETS = (1024, 2048, 4096, 8192)
SMALLEST_BUDGET = 256
WAYS = {"words": (Way.WORDS,), "policy": (Way.POLICY,), "both": (Way.WORDS, Way.POLICY)}
QUESTIONS = 6
# As a shell says it of what Ctrl+C ended.
INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Measure what policies of memory keep of long dialogues whose evidence is known. Prints "
        "tables; with --out it writes JSON as it goes on. Ctrl+C ends it with what is done."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=FORMATS, default="locomo")
        parser.add_argument("--budgets", type=_budget, nargs="+", default=BUDGETS, metavar="TOKENS")
        parser.add_argument(
            "--policies",
            choices=POLICIES,
            nargs="+",
            default=POLICIES,
            metavar="POLICY",
            help=f"of {', '.join(POLICIES)}; all where none is named",
        )
        parser.add_argument("--out", type=Path, metavar="FILE", help="where to write JSON")
        parser.add_argument("--counting", choices=WAYS, default="both", help="what a token is")
        parser.add_argument(
            "--memory",
            type=Path,
            metavar="FOLDER",
            help="an adapter that reads what will be asked for, in place of the model's own probe",
        )
        parser.add_argument(
            "--model",
            type=Path,
            default=settings.MODEL_PATH,
            metavar="FOLDER",
            help="the base model, which also judges answers (%(default)s)",
        )
        parser.add_argument(
            "--likelihood",
            action=BooleanOptionalAction,
            default=True,
            help="also measure how likely the model finds the right answers",
        )
        parser.add_argument(
            "--questions",
            type=_count,
            default=QUESTIONS,
            metavar="N",
            help="drawn from each conversation for the likelihood (%(default)s)",
        )
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        dialogues = _read(options["file"], options["format"])
        plan = _plan(options)
        tokenizer, model = _load(plan, options["model"], options["memory"])
        report = Report(
            plan,
            dialogues,
            file=options["file"].name,
            model=options["model"].name if tokenizer else "",
            reader=model.reader if model else "",
        )
        if options["out"]:
            write(options["out"], report)
        began = time.monotonic()

        def progress(line: str) -> None:
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            self.stderr.write(f"{minutes:3}:{seconds:02}  {line}")
            if options["out"]:
                write(options["out"], report)

        try:
            for cell in measure(dialogues, plan, tokenizer, model, progress):
                report.cells.append(cell)
            report.is_complete = True
        except OverBudget as error:
            raise CommandError(f"A window is larger than its budget: {error}") from None
        except KeyboardInterrupt:
            self.stderr.write("Interrupted; what follows was done before.")
        if options["out"]:
            write(options["out"], report)
        self.stdout.write("\n\n".join(tables(report)))
        if not report.is_complete:
            sys.exit(INTERRUPTED)


def _read(path: Path, name: str) -> list[Dialogue]:
    """The file's dialogues that have something to ask."""
    try:
        dialogues = [dialogue for dialogue in FORMATS[name](path) if dialogue.questions]
    except locomo.NotLocomo as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    if not dialogues:
        raise CommandError(f"{path}: no conversation has a question whose evidence is in it.")
    return dialogues


def _plan(options: dict[str, Any]) -> Plan:
    ways = WAYS[options["counting"]]
    return Plan(
        policies=tuple(dict.fromkeys(options["policies"])),
        budgets=sorted(set(options["budgets"])),
        ways=ways,
        judged=ways[-1] if options["likelihood"] and options["questions"] else None,
        questions=options["questions"],
        seed=options["seed"],
    )


def _load(
    plan: Plan, folder: Path, memory: Path | None
) -> tuple[ChatTokenizer | None, Model | None]:
    """The tokenizer and the model, each if the plan asks for it."""
    if not plan.asks_tokenizer():
        return None, None
    if not (folder / "tokenizer.json").exists():
        raise CommandError(
            f"There is no model in {folder}: name its folder with --model, or do with"
            " --counting words --no-likelihood and policies that read nothing."
        )
    try:
        tokenizer = ChatTokenizer.from_folder(folder)
        return tokenizer, _listener(folder, tokenizer, memory) if plan.asks_model() else None
    except (TemplateRefused, CheckpointInvalid) as error:
        raise CommandError(str(error)) from None


def _listener(folder: Path, tokenizer: ChatTokenizer, memory: Path | None) -> Model:
    # torch takes seconds to import, and what is counted in words alone does without it.
    from transformers.utils.logging import disable_progress_bar

    from learning.memory import shipped
    from learning.memory.hearing import Listener
    from learning.policy import backbone

    disable_progress_bar()  # type: ignore[no-untyped-call]
    probe = shipped.probe(folder, settings.HOME.root / "reward")
    return Listener(backbone.load(folder), tokenizer, own=probe, memory=memory)


def _budget(text: str) -> int:
    if not text.isdecimal() or int(text) < SMALLEST_BUDGET:
        raise ArgumentTypeError(f"{text!r} is no number of tokens from {SMALLEST_BUDGET} on")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)
