"""Accuracy against examples a class as an SVG, a panel a gallery. No program draws it for us."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from learning.recipes.few_shot_images.accuracy import Interval
from learning.recipes.few_shot_images.results import Results

# Okabe and Ito's, which people who see fewer colours can tell apart; black is for the first.
COLOURS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WIDTH, HEIGHT = 380, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 34, 44
LINE = 18
# Methods stand a little beside each other, so that their intervals can be seen.
APART = 3.0


def svg(runs: Sequence[Results]) -> str:
    methods = list(dict.fromkeys(method for run in runs for method in run.methods))
    width, height = WIDTH * len(runs), HEIGHT + LINE * len(methods) + 8
    panels = [part for at, run in enumerate(runs) for part in _panel(run, methods, WIDTH * at)]
    title = f"Accuracy against examples a class: {', '.join(run.gallery for run in runs)}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *panels,
            *_legend(methods),
            "</svg>\n",
        ]
    )


def _panel(run: Results, methods: Sequence[str], left: float) -> Iterator[str]:
    shots = [number for number in run.shots if number]
    yield f'<g transform="translate({left} 0)">'
    yield _text(WIDTH / 2, 20, run.gallery, weight="bold")
    for percent in range(0, 101, 20):
        y = _y(percent / 100)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
        yield _text(LEFT - 6, y + 4, f"{percent} %", anchor="end")
    if classes := run.setting.get("classes"):
        y = _y(1 / int(str(classes)))
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#888888" stroke-dasharray="4"/>'
        yield _text(WIDTH - RIGHT, y + 13, "chance", anchor="end")
    for number in shots:
        yield _text(_x(number, shots), HEIGHT - BOTTOM + 18, str(number))
    yield _text(WIDTH / 2, HEIGHT - 8, "examples a class")
    for order, method in enumerate(methods):
        found = [(number, run.interval(method, number)) for number in shots]
        places = [
            (_x(number, shots) + APART * (order - (len(methods) - 1) / 2), interval)
            for number, interval in found
            if interval
        ]
        yield from _curve(places, COLOURS[order % len(COLOURS)])
    yield "</g>"


def _curve(places: Sequence[tuple[float, Interval]], colour: str) -> Iterator[str]:
    for x, interval in places:
        low, high = _y(interval.low), _y(interval.high)
        yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-opacity="0.5"/>'
        yield f'<circle cx="{x:.1f}" cy="{_y(interval.mean):.1f}" r="3" fill="{colour}"/>'
    line = " ".join(f"{x:.1f},{_y(interval.mean):.1f}" for x, interval in places)
    yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _legend(methods: Sequence[str]) -> Iterator[str]:
    for order, method in enumerate(methods):
        y, colour = HEIGHT + LINE * order, COLOURS[order % len(COLOURS)]
        yield f'<path d="M{LEFT} {y}h20" stroke="{colour}" stroke-width="2"/>'
        yield f'<circle cx="{LEFT + 10}" cy="{y}" r="3" fill="{colour}"/>'
        yield _text(LEFT + 28, y + 4, method, anchor="start")


def _x(number: int, shots: Sequence[int]) -> float:
    """On a logarithmic axis; a single number stands in the middle."""
    first, last = math.log2(shots[0]), math.log2(shots[-1])
    share = (math.log2(number) - first) / (last - first) if last > first else 0.5
    room = WIDTH - LEFT - RIGHT - 40
    return LEFT + 20 + share * room


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _text(x: float, y: float, words: str, anchor: str = "middle", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#333333">{escape(words)}</text>'
    )
