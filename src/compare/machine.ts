import { stringify } from 'csv-stringify/sync';
import type { Comparison } from './types.js';

export const SCHEMA = { id: 'npu-bench/comparison', version: 1 } as const;

/** The comparison as JSON, in the form of schema/compare-v1.json: every figure that a verdict rests on, in full precision. */
export function renderJson(comparison: Comparison, exitCode: number): string {
  return `${JSON.stringify({ schema: SCHEMA, exit_code: exitCode, ...comparison }, null, 2)}\n`;
}

/** A spreadsheet runs text that begins like a formula; an apostrophe keeps it text. */
function cell(value: unknown): unknown {
  return typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

/** One row per metric and case; empty cells where nothing is known. */
export function renderCsv(comparison: Comparison): string {
  const rows = comparison.cases.flatMap((entry) =>
    entry.metrics.map((item) => ({
      case: entry.name,
      metric: item.metric.id,
      label: item.metric.label,
      unit: item.metric.unit,
      direction: item.metric.direction,
      gated: item.gated ? 'yes' : 'no',
      sample_unit: item.unit,
      baseline_n: item.baseline.n,
      baseline_median: item.baseline.median,
      baseline_mean: item.baseline.mean,
      baseline_std: item.baseline.deviation,
      current_n: item.current.n,
      current_median: item.current.median,
      current_mean: item.current.mean,
      current_std: item.current.deviation,
      ratio: item.ratio,
      change_percent: item.changePercent,
      ratio_ci95_low: item.interval?.low,
      ratio_ci95_high: item.interval?.high,
      test: item.test?.name,
      p_worse: item.test?.pWorseAdjusted,
      p_better: item.test?.pBetterAdjusted,
      cliffs_delta: item.cliffsDelta,
      detectable_change_percent: item.detectablePercent,
      threshold_percent: comparison.threshold,
      indicative: item.indicative ? 'yes' : 'no',
      verdict: item.verdict,
      reason: item.reason,
    })),
  );
  const safe = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key, cell(value)])),
  );
  return stringify(safe, { header: true });
}
