import { type Run, runMedian } from '../compare/runs.js';
import type { Metric } from '../schema/metrics.js';
import { extent } from '../stats/basics.js';
import { type ChangePoint, findChangePoints } from './change-points.js';

export interface HistoryRun {
  readonly id: string;
  readonly commit?: string | undefined;
  readonly run: Run;
}

export interface SeriesPoint {
  readonly id: string;
  readonly timestamp: string;
  readonly commit?: string | undefined;
  readonly label?: string | undefined;
  /** Median over the run's processes, and the range of its samples. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface HistorySeries {
  readonly metric: Metric;
  readonly points: readonly SeriesPoint[];
  readonly changePoints: readonly ChangePoint[];
}

function pointOf({ id, commit, run }: HistoryRun, metric: Metric): SeriesPoint | undefined {
  const samples = run.samples.get(metric.id);
  if (samples === undefined) return undefined;
  const { timestamp, label } = run.metadata;
  const shared = { id, timestamp, commit, label: label ?? undefined };
  const values = samples.processes.flat();
  const { block } = samples;
  if (values.length > 1 || (values.length === 1 && !block)) {
    return { ...shared, value: runMedian(samples), ...extent(values) };
  }
  return block && { ...shared, value: block.median, low: block.min, high: block.max };
}

/** The course of one metric over runs of one workload on one device, oldest first. Pure. */
export function historySeries(runs: readonly HistoryRun[], metric: Metric): HistorySeries {
  const points = runs
    .flatMap((run) => pointOf(run, metric) ?? [])
    .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
  return { metric, points, changePoints: findChangePoints(points.map((point) => point.value)) };
}

/** Whether a step was for the better, by the metric's direction. */
export function stepKind(
  { metric }: HistorySeries,
  step: ChangePoint,
): 'better' | 'worse' | 'neutral' {
  if (metric.direction === 'none') return 'neutral';
  return step.ratio > 1 === (metric.direction === 'higher') ? 'better' : 'worse';
}
