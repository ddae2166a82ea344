import { NpuBenchError } from '../errors.js';
import type { Metric } from '../schema/index.js';
import { FIGURES } from './figures.js';

const STATISTICS = /\.(mean|std|min|max|median|n|p90|p95|p99|ci95_low|ci95_high|outliers)$/u;

/** All the names of a metric: its dotted path, its last part and its name in an iteration. */
function namesOf(metric: Metric): string[] {
  const short = metric.id.slice(metric.id.indexOf('.') + 1);
  return metric.sample ? [metric.id, short, metric.sample] : [metric.id, short];
}

/** `*` is any run of characters, `?` any one; everything else is itself. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
    .replace(/\*+/gu, '.*')
    .replace(/\?/gu, '.');
  return new RegExp(`^${source}$`, 'iu');
}

/** Levenshtein distance, for suggestions. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function suggestions(pattern: string): string[] {
  const wanted = pattern.toLowerCase().replace(/\*/gu, '').slice(0, 80);
  const scored = FIGURES.map((metric) => {
    const best = Math.min(
      ...namesOf(metric).flatMap((name) => {
        if (wanted !== '' && name.includes(wanted)) return 0;
        const words = name.split(/[._]/u).filter((word) => word.length > 2);
        return [name, ...words].map((text) => distance(wanted, text) / text.length);
      }),
    );
    return { id: metric.id, best };
  });
  const near = scored.filter(({ best }) => best < 0.55).sort((a, b) => a.best - b.best);
  return near.slice(0, 3).map(({ id }) => id);
}

function unknownMetric(pattern: string): NpuBenchError {
  const shown = JSON.stringify(pattern.length > 60 ? `${pattern.slice(0, 57)}…` : pattern);
  const statistic = STATISTICS.exec(pattern)?.[1];
  if (statistic) {
    const rest = pattern.slice(0, -statistic.length - 1);
    return new NpuBenchError(
      'UNKNOWN_METRIC',
      `--filter ${shown} names one statistic, but a metric is exported with all of them; use --filter ${JSON.stringify(rest)}.`,
    );
  }
  const near = suggestions(pattern);
  const groups = [...new Set(FIGURES.map(({ id }) => id.slice(0, id.indexOf('.'))))];
  const advice =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : `use a path such as latency.first_token_ms, a pattern such as "*token*", or a group: ${groups.join(', ')}.`;
  return new NpuBenchError('UNKNOWN_METRIC', `--filter ${shown} matches no metric; ${advice}`);
}

/**
 * The metrics that any of the patterns names, in their usual order; all metrics for no patterns.
 * A pattern is a dotted path (with or without `results.`), its last part, a group, or a glob of
 * these. Throws NpuBenchError (exit code 2) with suggestions when a pattern matches nothing.
 */
export function selectMetrics(patterns: readonly string[]): Metric[] {
  if (patterns.length === 0) return [...FIGURES];
  const chosen = new Set<Metric>();
  for (const pattern of patterns) {
    const bare = pattern.trim().replace(/^results\./u, '');
    const matcher = globPattern(bare);
    const found = FIGURES.filter(
      (metric) =>
        namesOf(metric).some((name) => matcher.test(name)) ||
        matcher.test(metric.id.slice(0, metric.id.indexOf('.'))),
    );
    if (bare === '' || found.length === 0) throw unknownMetric(pattern);
    for (const metric of found) chosen.add(metric);
  }
  return FIGURES.filter((metric) => chosen.has(metric));
}
