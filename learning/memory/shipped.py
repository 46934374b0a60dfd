"""Where the probe of a base model is: one that was made here, or one that Danas comes with."""

from __future__ import annotations

from pathlib import Path

from learning.memory.probe import Probe
from learning.reward.features import fingerprint

FOLDER = Path(__file__).with_name("probes")


def file_of(folder: Path, cache: Path) -> Path:
    """Where a probe for the base model in `folder` is kept that was made on this machine."""
    return cache / f"probe-{fingerprint(folder)}.npz"


def probe(folder: Path, cache: Path) -> Probe | None:
    """The probe for the base model in `folder`, None where there is none."""
    shipped = FOLDER / f"{fingerprint(folder)}.npz"
    made = file_of(folder, cache)
    found = next((path for path in (made, shipped) if path.exists()), None)
    return Probe.load(found) if found else None
