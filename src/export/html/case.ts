import type { Metric, ResultDocument } from '../../schema/index.js';
import { mean, median, quantile } from '../../stats/basics.js';
import type { ReportCase } from '../cases.js';
import { type Roofline, rooflineChart } from '../charts/roofline.js';
import { type StackedBar, segmentNames, stackedChart } from '../charts/stacked.js';
import { nameMargin, phaseClass, timelineChart } from '../charts/timeline.js';
import {
  distributionChart,
  MAX_LINES,
  type TokenSeries,
  tokenLatencyChart,
} from '../charts/tokens.js';
import { memoryByPurpose, placementTable, profileTable } from '../extras.js';
import { CORE_IDS, FIGURES, meanOf, SCALAR_IDS } from '../figures.js';
import { formatNumber, plural } from '../format.js';
import type { Reference } from '../normalize.js';
import { iterationTable, metricTable, normalizedTable } from '../tables.js';
import { figureBlock, legendBlock, responsive, tableBlock } from './blocks.js';
import { html, type Markup, NOTHING } from './markup.js';
import { telemetryPanels, typicalIteration, windowOf } from './panels.js';

/** Rows of an iteration table that a page still carries well. */
const MAX_ITERATIONS = 300;
const HALF = 440;
/** As many columns as fit on paper; a CSV of the iterations has all of them. */
const ITERATION_IDS: ReadonlySet<string> = new Set([
  ...CORE_IDS,
  'throughput.prefill_tokens_per_second',
  'throughput.queries_per_second',
  'throughput.executions_per_second',
  'efficiency.joules_per_token',
]);

/** What the shape of the token times says, in a sentence or two. */
function tokenRemark(series: readonly TokenSeries[]): string {
  const all = series.flatMap(({ gaps }) => gaps);
  const middle = median(all);
  const parts: string[] = [
    series.length > MAX_LINES
      ? `The band holds 90 % of ${plural(series.length, 'iteration')}, the line is their median.`
      : series.length > 1
        ? 'Grey lines are single iterations, the coloured one is their median.'
        : 'The gap before each token of the one iteration.',
  ];
  const third = (gaps: readonly number[], from: number, to: number) =>
    gaps.slice(Math.floor(gaps.length * from), Math.ceil(gaps.length * to));
  const early = median(series.flatMap(({ gaps }) => third(gaps, 0, 1 / 3)));
  const late = median(series.flatMap(({ gaps }) => third(gaps, 2 / 3, 1)));
  const change = (100 * (late - early)) / early;
  if (Math.abs(change) >= 2) {
    parts.push(
      `The last third of the tokens is ${formatNumber(Math.abs(change), 0)} % ${change > 0 ? 'slower' : 'faster'} than the first.`,
    );
  } else {
    parts.push('The time of a token stays the same from first to last, within 2 %.');
  }
  const slow = all.filter((gap) => gap > 1.5 * middle).length;
  if (slow > 0) {
    parts.push(
      `${plural(slow, 'token')} of ${formatNumber(all.length, 0)} took over 1.5× the median.`,
    );
  }
  return parts.join(' ');
}

function tokenFigures(document: ResultDocument, id: string): Markup[] {
  const series = document.iterations
    .filter(({ token_ms: gaps }) => gaps && gaps.length > 1)
    .map(({ iteration, token_ms: gaps }) => ({ iteration, gaps: gaps ?? [] }));
  if (series.length === 0) return [];
  const all = series.flatMap(({ gaps }) => gaps);
  const tail = quantile(all, 0.99) / median(all);
  return [
    figureBlock(
      'Time of each token',
      tokenRemark(series),
      responsive(
        (width, name) => tokenLatencyChart(name, series, width, width > HALF ? 300 : 250),
        `${id}-tokens`,
      ),
      true,
    ),
    figureBlock(
      'Distribution of token times',
      `One token in a hundred takes ${formatNumber(tail, 2)}× the median or longer.`,
      distributionChart(`${id}-gaps`, all, {
        width: HALF,
        height: 220,
        title: 'Distribution of the time between tokens',
        unit: 'ms',
        label: 'ms between tokens',
      }),
    ),
  ];
}

const COLD_PARTS: readonly (readonly [string, string])[] = [
  ['process_start_ms', 'process start'],
  ['addon_load_ms', 'addon load'],
  ['harness_ms', 'harness'],
  ['device_open_ms', 'device open'],
  ['weights_read_ms', 'weights read'],
  ['pack_compile_ms', 'pack and compile'],
  ['first_prefill_ms', 'first prefill'],
];

function coldStartFigure(document: ResultDocument, id: string): Markup[] {
  const parts = document.iterations.flatMap(({ cold_start: cold }) => (cold ? [cold] : []));
  if (parts.length === 0) return [];
  const segments = COLD_PARTS.flatMap(([key, name]) => {
    const values = parts.flatMap((part) => (typeof part[key] === 'number' ? [part[key]] : []));
    return values.length > 0 ? [{ name, value: mean(values) }] : [];
  }).filter(({ value }) => value > 0);
  if (segments.length < 2) return [];
  const states = new Set(parts.map((part) => part.page_cache ?? 'unknown'));
  const packed = new Set(parts.map((part) => part.packed_cache ?? 'unknown'));
  const total = segments.reduce((sum, { value }) => sum + value, 0);
  const largest = segments.reduce((a, b) => (b.value > a.value ? b : a));
  const share = formatNumber((100 * largest.value) / total, 0);
  const bars: StackedBar[] = [{ label: 'Cold start', segments }];
  return [
    figureBlock(
      'Where a cold start goes',
      `${share} % is ${largest.name}. Page cache of the model file: ${[...states].join(', ')}; cache of packed weights: ${[...packed].join(', ')}.`,
      [
        legendBlock(segmentNames(bars).map((name, index) => [name, `g${index % 8}`])),
        stackedChart(
          {
            id: `${id}-cold`,
            title: 'Parts of a cold start',
            description: segments
              .map(({ name, value }) => `${name} ${formatNumber(value)} ms`)
              .join(', '),
          },
          bars,
          segmentNames(bars),
          'ms',
          HALF,
        ),
      ],
    ),
  ];
}

const OVERHEAD_PARTS = ['execute', 'transfer', 'dispatch', 'synchronize'] as const;

function overheadFigure(document: ResultDocument, id: string): Markup[] {
  const bars: StackedBar[] = (
    [
      ['One decode step', ''],
      ['Prefill of the prompt', 'prefill_'],
    ] as const
  ).flatMap(([label, prefix]) => {
    const segments = OVERHEAD_PARTS.flatMap((part) => {
      const value = meanOf(document, `overhead.${prefix}${part}_ms`);
      return value === undefined || value <= 0 ? [] : [{ name: part, value }];
    });
    return segments.length > 0 ? [{ label, segments }] : [];
  });
  if (bars.length === 0) return [];
  // A device that tells no more than its own execution has nothing to split.
  if (bars.every(({ segments }) => segments.length < 2)) return [];
  const step = bars[0] as StackedBar;
  const total = step.segments.reduce((sum, { value }) => sum + value, 0);
  const executed = step.segments.find(({ name }) => name === 'execute')?.value ?? 0;
  // Steps that differ a hundredfold share no axis: each bar is then a chart of its own.
  const names = segmentNames(bars);
  const charts = bars.map((bar, index) =>
    stackedChart(
      {
        id: `${id}-overhead${index}`,
        title: `Overhead: ${bar.label.toLowerCase()}`,
        description: bar.segments
          .map(({ name, value }) => `${name} ${formatNumber(value)} ms`)
          .join(', '),
      },
      [bar],
      names,
      'ms',
      HALF,
    ),
  );
  return [
    figureBlock(
      'What the device costs beside computing',
      `${formatNumber(100 - (100 * executed) / total, 1)} % of a ${step.label === 'One decode step' ? 'decode step' : 'prefill'} is not execution: moving data, submitting work, waiting for the device.`,
      [legendBlock(names.map((name, index) => [name, `g${index % 8}`])), ...charts],
    ),
  ];
}

function telemetryBlock(document: ResultDocument, id: string): Markup {
  const iteration = typicalIteration(document);
  if (!iteration) return NOTHING;
  const panels = telemetryPanels(iteration);
  if (panels.length === 0) return NOTHING;
  const window = windowOf(iteration, panels);
  const phases = iteration.phases ?? [];
  const margin = Math.max(...panels.map(nameMargin));
  const charts = panels.map((panel, index) =>
    figureBlock(
      panel.title,
      '',
      timelineChart(`${id}-time${index}`, panel, {
        phases,
        window,
        margin,
        width: HALF,
        height: 190,
      }),
    ),
  );
  const names = [...new Set(phases.map(({ name }) => name))];
  const legend =
    names.length > 0 ? legendBlock(names.map((name) => [name, phaseClass(name)])) : NOTHING;
  return html`<h3 class="group">Over the time of one run</h3>
<p class="soft">Iteration ${iteration.iteration}, the one of median length, from the start of its process. Shaded are its phases.</p>
${legend}<div class="charts">
${charts}</div>
`;
}

function memoryFigure(document: ResultDocument, id: string): Markup[] {
  const segments = memoryByPurpose(document).map(([name, value]) => ({
    name: name.replace(/_/gu, ' '),
    value,
  }));
  if (segments.length < 2) return [];
  const bars: StackedBar[] = [{ label: 'Model and session', segments }];
  const names = segmentNames(bars);
  return [
    figureBlock(
      'What holds the memory',
      'As the backend counts it, the largest of all iterations, and what the process held beside it.',
      [
        legendBlock(names.map((name, index) => [name, `g${index % 8}`])),
        stackedChart(
          {
            id: `${id}-memory`,
            title: 'Memory by purpose',
            description: segments
              .map(({ name, value }) => `${name} ${formatNumber(value)} MB`)
              .join(', '),
          },
          bars,
          names,
          'MB',
          HALF,
        ),
      ],
    ),
  ];
}

function numberIn(source: unknown, key: string): number | undefined {
  const value = (source as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** Prefill and decode under the machine's limits, where the document has both. */
export function rooflineOf(document: ResultDocument): Roofline | undefined {
  const limits = document.metadata.environment?.limits;
  const bandwidthGbS = numberIn(limits, 'read_bandwidth_gb_s');
  const peakGflops = numberIn(limits, 'f32_gflop_s');
  const work = document.results.roofline;
  const bytes = numberIn(work, 'weight_bytes_per_step');
  if (!bandwidthGbS || !peakGflops || !bytes) return undefined;
  const decodeBytes = bytes + (numberIn(work, 'kv_bytes_per_step') ?? 0);
  const place = (name: string, flops: number | undefined, read: number, ms: number | undefined) =>
    flops && ms ? [{ name, intensity: flops / read, gflops: flops / ms / 1e6 }] : [];
  const points = [
    ...place(
      'prefill',
      numberIn(work, 'prefill_flops'),
      bytes,
      meanOf(document, 'latency.first_token_ms'),
    ),
    ...place(
      'decode',
      numberIn(work, 'decode_flops_per_step'),
      decodeBytes,
      meanOf(document, 'latency.subsequent_token_ms'),
    ),
  ];
  return points.length > 0 ? { bandwidthGbS, peakGflops, points } : undefined;
}

function rooflineFigure(document: ResultDocument, id: string): Markup[] {
  const roofline = rooflineOf(document);
  if (!roofline) return [];
  return [
    figureBlock(
      'Against the limits of the machine',
      'The line is what the measured memory bandwidth and f32 arithmetic of the processor allow; per cent of it that was reached. Lower precision and other devices may exceed the flat part.',
      rooflineChart(`${id}-roof`, roofline, HALF, 280),
    ),
  ];
}

/** All charts of one case, in a grid; empty where the document has summaries only. */
export function caseCharts(entry: ReportCase, id: string): Markup {
  const { document } = entry;
  const figures = [
    ...tokenFigures(document, id),
    ...coldStartFigure(document, id),
    ...overheadFigure(document, id),
    ...memoryFigure(document, id),
    ...rooflineFigure(document, id),
  ];
  const grid = figures.length > 0 ? html`<div class="charts">\n${figures}</div>\n` : NOTHING;
  return html`${grid}${telemetryBlock(document, id)}`;
}

/** All tables of one case. */
export function caseTables(
  entry: ReportCase,
  metrics: readonly Metric[],
  reference?: Reference,
): Markup {
  const { document } = entry;
  const sampled = metrics.filter(({ id }) =>
    metrics.length === FIGURES.length ? ITERATION_IDS.has(id) : !SCALAR_IDS.has(id),
  );
  return html`<div class="tables">
${reference && tableBlock(normalizedTable(document, metrics, reference))}${tableBlock(metricTable(document, metrics))}${tableBlock(placementTable(document))}${tableBlock(profileTable(document))}${tableBlock(iterationTable(document, sampled, MAX_ITERATIONS))}</div>
`;
}
