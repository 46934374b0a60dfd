import { get, post } from "../api/http";
import type { components } from "../api/schema";
import type { PlotData } from "../learning/figures";
import { Poll } from "../ui/poll.svelte";

export type Overview = components["schemas"]["Overview"];
type Point = components["schemas"]["Points"]["data"][number];

export const SPANS = [1, 6, 24, 168];
const IN_HOURS = 24;
const OFTEN_MS = 5000;

/** The state of the installation, and its figures over the chosen time. */
export class Operations {
  overview = $state.raw<Overview | null>(null);
  points = $state.raw<Point[]>([]);
  hours = $state(1);
  poll = new Poll(
    () => this.load(),
    () => OFTEN_MS,
  );

  get isInHours(): boolean {
    return this.hours >= IN_HOURS;
  }

  async load(): Promise<void> {
    const [overview, { data }] = await Promise.all([
      get<Overview>("/v1/operations"),
      get<{ data: Point[] }>(`/v1/operations/series?hours=${this.hours}`),
    ]);
    this.overview = overview;
    this.points = data;
  }

  show(hours: number): Promise<void> {
    this.hours = hours;
    return this.poll.look();
  }

  async act(path: string): Promise<void> {
    await post(`/v1/operations/${path}`);
    await this.poll.look();
  }

  /** Of figures by name, with how each is called; those that were never measured are left out. */
  plot(figures: [name: string, label: string][]): PlotData {
    const unit_s = this.isInHours ? 3600 : 60;
    const now_s = Date.now() / 1000;
    const x = this.points.map(({ at }) => Math.round(((at ?? 0) - now_s) * (10 / unit_s)) / 10);
    const known = figures.filter(([name]) => this.points.some((point) => point[name] != null));
    const series = known.map(([name, label], index) => ({
      label,
      values: this.points.map((point) => point[name] ?? null),
      tone: index === 0 ? ("--leaf" as const) : ("--mango" as const),
    }));
    return { x, series, lines: [] };
  }
}

const UNITS: [number, string][] = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];

/** “3.2 GB”. */
export function size(bytes: number): string {
  const [unit, name] = UNITS.find(([unit]) => bytes >= unit) ?? [1, "B"];
  return `${Number((bytes / unit).toFixed(1))}\u00a0${name}`;
}
