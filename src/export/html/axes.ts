import { type AxisScaling, axisScalings, figuresAlong } from '../axes.js';
import type { ReportCase } from '../cases.js';
import { barChart } from '../charts/bars.js';
import { scalingChart } from '../charts/scaling.js';
import { colorClass } from '../charts/svg.js';
import { formatNumber } from '../format.js';
import { axisTable } from '../tables.js';
import { figureBlock, section, tableBlock } from './blocks.js';
import { html, type Markup } from './markup.js';

const WIDTH = 440;
const HEIGHT = 210;
const COLORS = 6;

/** Figures worth a chart, in the order in which they stand; those that no case has are left out. */
const CHARTED: readonly (readonly [id: string, title: string, unit: string])[] = [
  ['throughput.tokens_per_second_after_first', 'Throughput after the first token', 'tokens/s'],
  ['throughput.prefill_tokens_per_second', 'Prefill throughput', 'tokens/s'],
  ['throughput.queries_per_second', 'Embeddings', 'queries/s'],
  ['latency.first_token_ms', 'First token', 'ms'],
  ['power.average_power_w', 'Average power', 'W'],
  ['efficiency.joules_per_token', 'Energy per token', 'J'],
  ['memory.peak_memory_usage_mb', 'Peak memory', 'MB'],
];

function chartOf(scaling: AxisScaling, index: number, entry: (typeof CHARTED)[number]): Markup[] {
  const [id, title, unit] = entry;
  const figures = figuresAlong(scaling, id);
  if (figures.length < 2) return [];
  const text = {
    id: `axis${index}-${id.replace(/\W/gu, '-')}`,
    title: `${title} over ${scaling.title}`,
    description: figures
      .map(({ step, value }) => `${step.name}: ${formatNumber(value)} ${unit}`)
      .join(', '),
  };
  const points = figures.flatMap(({ step, value }) =>
    step.size === undefined ? [] : [{ step: step.size, value }],
  );
  const chart =
    points.length === figures.length
      ? scalingChart(text, points, { unit, label: scaling.label, width: WIDTH, height: HEIGHT })
      : barChart(
          text,
          figures.map(({ step, value }, i) => ({
            label: step.name,
            value,
            color: colorClass(undefined, i % COLORS),
          })),
          unit,
          WIDTH,
          figures[0]?.value,
        );
  return [figureBlock(title, '', chart)];
}

/** One section for each setting that a sweep varied on one device. */
export function axisSections(cases: readonly ReportCase[]): Markup {
  const scalings = axisScalings(cases);
  return html`${scalings.map((scaling, index) =>
    section(
      `axis${index}`,
      `Scaling with ${scaling.title}`,
      html`<p>${scaling.common}</p>
<div class="charts">
${CHARTED.flatMap((entry) => chartOf(scaling, index, entry))}</div>
<div class="tables">${tableBlock(axisTable(scaling))}</div>
`,
    ),
  )}`;
}
