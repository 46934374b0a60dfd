/** Plots on a canvas, by uPlot; loaded when the first plot comes into sight. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { short, type PlotData } from "./figures";

export interface Drawing {
  show(data: PlotData): void;
  resize(width: number): void;
  destroy(): void;
}

const FEW = 40;
const STEPS = [1, 2, 5].flatMap((one) => [one, one * 10, one * 100, one * 1e3, one * 1e4]);

/** Draws below `target`; `onhover` gets the index under the pointer, or null. */
export function draw(
  target: HTMLElement,
  data: PlotData,
  size: { width: number; height: number },
  onhover: (index: number | null) => void,
): Drawing {
  const colour = colours(target);
  const options: uPlot.Options = {
    ...size,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
    scales: {
      x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
      y: { range: (_, low, high) => around(low, high, data.lines.map(({ value }) => value)) },
    },
    axes: [
      { ...axis(colour), size: 28, incrs: STEPS.toSorted((a, b) => a - b), space: 60 },
      { ...axis(colour), size: 46, space: 28 },
    ],
    series: [
      {},
      ...data.series.map(({ tone }, index): uPlot.Series => {
        const stroke = colour(tone);
        return {
          stroke,
          width: 2,
          spanGaps: true,
          ...(index > 0 && { dash: [7, 4] }),
          points: { show: data.x.length <= FEW, size: 5, fill: stroke, stroke },
        };
      }),
    ],
    hooks: {
      setCursor: [(plot) => onhover(plot.cursor.idx ?? null)],
      drawAxes: [(plot) => drawLines(plot, data.lines, colour("--chili"))],
    },
  };
  const plot = new uPlot(options, aligned(data), target);
  return {
    show: (next) => plot.setData(aligned(next)),
    resize: (width) => plot.setSize({ width, height: size.height }),
    destroy: () => plot.destroy(),
  };
}

function aligned({ x, series }: PlotData): uPlot.AlignedData {
  return [x, ...series.map(({ values }) => values)];
}

function axis(colour: (name: string) => string): uPlot.Axis {
  return {
    stroke: colour("--ink-3"),
    font: '12px "Figtree Variable", system-ui, sans-serif',
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map(short),
  };
}

/** The range of the figures and of the lines beside them, with a little air. */
function around(low: number | null, high: number | null, lines: number[]): uPlot.Range.MinMax {
  const shown = [low, high, ...lines].filter((value) => value !== null);
  if (shown.length === 0) return [0, 1];
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  const air = (most - least || Math.abs(most) || 1) * 0.12;
  return [least - air, most + air];
}

function drawLines({ ctx, bbox, valToPos }: uPlot, lines: PlotData["lines"], stroke: string): void {
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { value } of lines) {
    const y = valToPos(value, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** A canvas can't read `var(--leaf)`: what the browser makes of it, asked of an element. */
function colours(target: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    target.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}
