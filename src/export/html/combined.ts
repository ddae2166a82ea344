import type { Metric } from '../../schema/index.js';
import type { ReportCase } from '../cases.js';
import { type Bar, barChart } from '../charts/bars.js';
import { scalingChart } from '../charts/scaling.js';
import { colorClass } from '../charts/svg.js';
import {
  type BatchScaling,
  batchScaling,
  compareDevices,
  type DeviceComparison,
  groupMean,
} from '../combined.js';
import { figureOf } from '../figures.js';
import { formatNumber, formatRatio, quantityText } from '../format.js';
import { deviceFigures, deviceTable, scalingTable } from '../tables.js';
import { figureBlock, section, tableBlock } from './blocks.js';
import { html, type Markup } from './markup.js';

const HALF = 440;
const COMPARED = [
  'throughput.tokens_per_second',
  'throughput.queries_per_second',
  'latency.first_token_ms',
  'latency.cold_start_ms',
  'memory.peak_memory_usage_mb',
  'power.average_power_w',
  'efficiency.joules_per_token',
];
const COLORS_WITHOUT_DEVICE = 6;

function extremes(cases: readonly ReportCase[], metric: Metric): { low?: number; high?: number } {
  const blocks = cases.flatMap(({ document }) => figureOf(document, metric).block ?? []);
  if (blocks.length === 0) return {};
  return {
    low: Math.min(...blocks.map(({ min }) => min)),
    high: Math.max(...blocks.map(({ max }) => max)),
  };
}

function compareFigure(
  comparison: DeviceComparison,
  metric: Metric,
  id: string,
): Markup | undefined {
  const kinds = comparison.devices.map(({ device }) => device);
  const unique = new Set(kinds).size === kinds.length;
  const bars: Bar[] = comparison.devices.flatMap(({ name, device, cases }, index) => {
    const value = groupMean(cases, metric.id);
    const color = colorClass(unique ? device : undefined, index % COLORS_WITHOUT_DEVICE);
    return value === undefined ? [] : [{ label: name, value, color, ...extremes(cases, metric) }];
  });
  if (bars.length < 2) return undefined;
  const reference = groupMean(comparison.reference.cases, metric.id);
  const better = metric.direction === 'higher' ? 'More is better' : 'Less is better';
  return figureBlock(
    metric.label,
    `${better}.`,
    barChart(
      {
        id,
        title: `${metric.label} by device`,
        description: bars
          .map(({ label, value }) => `${label} ${quantityText(value, metric.unit)}`)
          .join(', '),
      },
      bars,
      metric.unit,
      HALF,
      reference,
    ),
  );
}

/** The fastest device against the reference, in a sentence. */
function deviceRemark({ devices, reference }: DeviceComparison): string {
  const rates = devices.flatMap((entry) => {
    const row = entry.ratios.find(({ label }) => /throughput|embedding/iu.test(label));
    return row ? [{ name: entry.name, ratio: row.ratio, rows: entry.ratios }] : [];
  });
  const best = rates.sort((a, b) => b.ratio - a.ratio)[0];
  if (!best) return '';
  const energy = best.rows.find(({ label }) => /energy/iu.test(label));
  const tail = energy
    ? energy.ratio >= 1
      ? `, with ${formatRatio(energy.ratio)} the tokens per joule`
      : `, but only ${formatRatio(energy.ratio)} the tokens per joule`
    : '';
  return best.ratio >= 1
    ? `The ${best.name} delivers ${formatRatio(best.ratio)} the throughput of the ${reference.name}${tail}.`
    : `Nothing here is faster than the ${reference.name}; the ${best.name} comes closest with ${formatRatio(best.ratio)} its throughput.`;
}

function deviceSection(
  comparison: DeviceComparison,
  index: number,
  metrics: readonly Metric[],
  several: boolean,
): Markup {
  const wanted = COMPARED.flatMap((id) => metrics.find((metric) => metric.id === id) ?? []);
  const figures = wanted.flatMap(
    (metric, k) => compareFigure(comparison, metric, `devices${index}-${k}`) ?? [],
  );
  const title = several ? `Device comparison: ${comparison.workload}` : 'Device comparison';
  return section(
    `devices${index}`,
    title,
    html`<p class="lead">${deviceRemark(comparison)}</p>
<p class="soft">Bars are means, thin lines span smallest to largest, factors are relative to the ${comparison.reference.name}.</p>
<div class="charts">
${figures}</div>
<div class="tables">${tableBlock(deviceFigures(comparison, metrics))}${tableBlock(deviceTable(comparison))}</div>
`,
  );
}

const SCALED: readonly (readonly [string, string, string])[] = [
  ['power.average_power_w', 'Average power', 'W'],
  ['memory.peak_memory_usage_mb', 'Peak memory', 'MB'],
  ['efficiency.tokens_per_joule', 'Tokens per joule', 'tokens/J'],
  ['latency.subsequent_token_ms', 'Time per step', 'ms'],
];

/** Where more batch stops paying, in a sentence. */
function scalingRemark({ steps, rateId }: BatchScaling): string {
  const first = steps[0];
  const last = steps.at(-1);
  const from = first?.figures.get(rateId);
  const to = last?.figures.get(rateId);
  if (!first || !last || !from || !to || last.efficiency === undefined) return '';
  return `From batch ${first.batchSize} to ${last.batchSize} the throughput grows ${formatRatio(to / from)}: ${formatNumber(100 * last.efficiency, 0)} % of growth in proportion.`;
}

function scalingSection(scaling: BatchScaling, index: number, several: boolean): Markup {
  const chart = (id: string, title: string, unit: string, ideal: boolean) => {
    const points = scaling.steps.flatMap(({ batchSize, figures }) => {
      const value = figures.get(id);
      return value === undefined ? [] : [{ step: batchSize, value }];
    });
    if (points.length < 2) return [];
    const text = {
      id: `scaling${index}-${id.replace(/\W/gu, '-')}`,
      title: `${title} over batch size`,
      description: points
        .map(({ step, value }) => `batch ${step}: ${formatNumber(value)} ${unit}`)
        .join(', '),
    };
    const note = ideal ? 'Dashed: growth in proportion to the batch.' : '';
    return [
      figureBlock(
        title,
        note,
        scalingChart(text, points, {
          unit,
          label: 'batch size',
          width: HALF,
          height: ideal ? 250 : 210,
          ideal,
        }),
      ),
    ];
  };
  const rateUnit = scaling.rateId.endsWith('queries_per_second') ? 'queries/s' : 'tokens/s';
  return section(
    `scaling${index}`,
    several ? `Scaling with batch size: ${scaling.title}` : 'Scaling with batch size',
    html`${!several && html`<p>${scaling.title}</p>`}<p class="lead">${scalingRemark(scaling)}</p>
<div class="charts">
${chart(scaling.rateId, 'Throughput', rateUnit, true)}${SCALED.flatMap(([id, title, unit]) => chart(id, title, unit, false))}</div>
<div class="tables">${tableBlock(scalingTable(scaling))}</div>
`,
  );
}

/** Device comparisons and batch scaling of several cases. */
export function combinedSections(cases: readonly ReportCase[], metrics: readonly Metric[]): Markup {
  const comparisons = compareDevices(cases);
  const scalings = batchScaling(cases);
  return html`${comparisons.map((entry, index) => deviceSection(entry, index, metrics, comparisons.length > 1))}${scalings.map((entry, index) => scalingSection(entry, index, scalings.length > 1))}`;
}
