"""The experiment: every method on the same examples and tests, for each seed and number of shots.

Scores are written down as they come, so a run that was cut off goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from learning.recipes.few_shot_images import episodes, logistic
from learning.recipes.few_shot_images.episodes import Episode
from learning.recipes.few_shot_images.features import Extractor
from learning.recipes.few_shot_images.gallery import Gallery
from learning.recipes.few_shot_images.results import SPEAKER, Results, Score
from learning.recipes.few_shot_images.speaker import Speaker, Tuning


@dataclass(frozen=True, slots=True)
class Plan:
    """`tests` are pictures a class."""

    shots: tuple[int, ...] = (1, 2, 4, 8, 16)
    seeds: tuple[int, ...] = (0, 1, 2)
    classes: int = 10
    tests: int = 12
    tuning: Tuning = field(default_factory=Tuning)


@dataclass(frozen=True, slots=True)
class Trial:
    """One method, once. `classify` gives a label for each test."""

    method: str
    shots: int
    episode: Episode
    classify: Callable[[], list[str]]


class OtherSetting(ValueError):
    """A file of scores was made with another model or plan."""


class Experiment:
    """A gallery, a plan, and the two kinds of methods."""

    def __init__(
        self, gallery: Gallery, plan: Plan, speaker: Speaker, extractors: Sequence[Extractor]
    ) -> None:
        self._gallery, self._plan = gallery, plan
        self._speaker, self._extractors = speaker, extractors

    def run(
        self, results: Results, path: Path, deadline: float, tell: Callable[[Score], None]
    ) -> bool:
        """Score what `results` lacks, until all is there or the deadline (`time.monotonic`).

        Returns whether all is there. `tell` hears of each score.

        Raises:
            episodes.TooFewPictures
        """
        for trial in self._trials():
            if results.has(trial.method, trial.shots, trial.episode.seed):
                continue
            if time.monotonic() > deadline:
                return False
            score = _scored(trial)
            results.scores.append(score)
            results.write(path)
            tell(score)
        return True

    def _trials(self) -> Iterator[Trial]:
        """Before tuning as well, as 0 shots: what the model knows of the classes already."""
        plan = self._plan
        for seed in plan.seeds:
            episode = episodes.draw(
                self._gallery, seed, classes=plan.classes, shots=max(plan.shots), tests=plan.tests
            )
            for shots in (0, *plan.shots):
                spoken = Spoken(self._speaker, plan.tuning, episode, shots)
                yield Trial(SPEAKER, shots, episode, spoken)
            for extractor in self._extractors:
                for shots in plan.shots:
                    seen = Seen(extractor, episode, shots)
                    yield Trial(f"logistic regression on {extractor.name}", shots, episode, seen)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Tune the model on the examples, and let it name the tests."""

    speaker: Speaker
    tuning: Tuning
    episode: Episode
    shots: int

    def __call__(self) -> list[str]:
        episode = self.episode
        self.speaker.learn(episode.shots(self.shots), self.tuning, episode.seed)
        return [self.speaker.classify(picture, episode.labels) for picture in episode.tests]


@dataclass(frozen=True, slots=True)
class Seen:
    """Fit a regression to the examples' features, and ask it about the tests'."""

    extractor: Extractor
    episode: Episode
    shots: int

    def __call__(self) -> list[str]:
        labels, examples = self.episode.labels, self.episode.shots(self.shots)
        classes = [labels.index(picture.label) for picture in examples]
        model = logistic.fit(self.extractor(examples), classes)
        return [labels[number] for number in model.classify(self.extractor(self.episode.tests))]


def begun(path: Path, gallery: Gallery, model: str, plan: Plan) -> Results:
    """The scores that are kept, or none yet. More seeds or shots may be asked for than last time.

    Raises:
        OtherSetting
    """
    setting: dict[str, object] = {
        "model": model,
        "classes": plan.classes,
        "tests a class": plan.tests,
        "most shots": max(plan.shots),
        **asdict(plan.tuning),
    }
    if not path.exists():
        return Results(gallery.name, setting)
    results = Results.read(path)
    if (results.gallery, results.setting) != (gallery.name, setting):
        raise OtherSetting(
            f"{path} holds scores of another setting, {results.setting}. Name another folder."
        )
    return results


def _scored(trial: Trial) -> Score:
    began = time.monotonic()
    named, tests = trial.classify(), trial.episode.tests
    return Score(
        method=trial.method,
        shots=trial.shots,
        seed=trial.episode.seed,
        right=sum(name == test.label for name, test in zip(named, tests, strict=True)),
        asked=len(tests),
        seconds=round(time.monotonic() - began, 2),
    )
