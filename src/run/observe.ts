import type { NativeModelDescription, NativeRecording, NativeSnapshot } from '../native/binding.js';
import type { Iteration, TelemetrySeries } from '../schema/iteration.js';
import type { Unavailable, Warning } from '../schema/values.js';
import {
  documentSeries,
  isStuck,
  memoryOf,
  type Noise,
  noiseOf,
  noiseWarnings,
  type Phase,
  type PowerReport,
  powerOf,
  powerWarnings,
  samplerWarnings,
  throttlingOf,
  throttlingWarning,
  type Window,
} from '../telemetry/index.js';
import type { SampleMessage } from './messages.js';
import { uncountedDeviceBytes } from './metrics.js';

/** What the telemetry adds to an iteration, and what it could not tell. */
export interface Observation {
  iteration: Partial<Iteration>;
  unavailable: Unavailable[];
  warnings: Warning[];
  /** How power was taken, for `results.power`. */
  power?: Record<string, unknown>;
}

export interface ObservationContext {
  spawnNs: number;
  idle: NativeRecording;
  after: NativeSnapshot;
  batch: number;
  inputTokens: number;
  family: NativeModelDescription['family'];
}

/** Where in `results` a source's metric goes; sources that feed no metric of their own are left out. */
const METRICS_OF_SOURCE: Record<string, string[]> = {
  power: [
    'power.average_power_w',
    'power.peak_power_w',
    'efficiency.joules_per_token',
    'efficiency.tokens_per_joule',
  ],
  memory: ['memory.average_memory_usage_mb'],
};

type Family = ObservationContext['family'];

function windowsOf(sample: SampleMessage, family: Family): { whole: Window; phases: Phase[] } {
  const { warm } = sample;
  const first = warm.tokenNs[0] as number;
  const last = warm.tokenNs[warm.tokenNs.length - 1] as number;
  if (family === 'graph') {
    const whole = { beginNs: warm.beginNs, endNs: last };
    return { whole, phases: [{ name: 'execute', ...whole }] };
  }
  const phases: Phase[] = [
    { name: family === 'encoder' ? 'embed' : 'prefill', beginNs: warm.beginNs, endNs: first },
  ];
  if (last > first) phases.push({ name: 'decode', beginNs: first, endNs: last });
  return { whole: { beginNs: warm.beginNs, endNs: last }, phases };
}

/** Moments of steps that are alike: those of the first graph, where there are several. */
function evenSteps({ warm, session }: SampleMessage, { family }: ObservationContext) {
  if (family !== 'graph') return warm.tokenNs;
  return warm.tokenNs.subarray(0, warm.tokenNs.length / session.graphNames.length);
}

/** A ratio that is only told where it means something: an idle machine may have drawn more. */
function perToken(joules: number | undefined, tokens: number): number | null {
  return joules === undefined || joules <= 0 || tokens <= 0 ? null : joules / tokens;
}

function energyOf(report: PowerReport, sample: SampleMessage, context: ObservationContext) {
  const { batch, inputTokens } = context;
  const encoder = context.family === 'encoder';
  const outputs = sample.warm.tokenNs.length;
  const net = (phase: { joules: number; netJoules?: number } | undefined) =>
    phase?.netJoules ?? phase?.joules;
  if (context.family === 'graph') {
    return { joules_per_execution: perToken(net(report.total), outputs) };
  }
  const phase = (name: string) => report.phases.find((one) => one.name === name);
  const tokens = batch * (encoder ? inputTokens : outputs);
  const each = perToken(net(report.total), tokens);
  return {
    joules_per_token: each,
    gross_joules_per_token: perToken(report.total.joules, tokens),
    joules_per_prompt_token: perToken(net(phase('prefill') ?? phase('embed')), batch * inputTokens),
    joules_per_output_token: encoder ? null : perToken(net(phase('decode')), batch * (outputs - 1)),
    tokens_per_joule: each === null ? null : 1 / each,
  };
}

/** Why a machine that has a power source gives no power for this iteration. */
function silentPower(recording: NativeRecording): Unavailable[] {
  const reason = isStuck(recording)
    ? 'its energy counter did not move during the run'
    : "the source's readings do not reach over the whole iteration";
  const remedy = 'raise --output-length, or name an external meter with --meter-command';
  return (METRICS_OF_SOURCE.power ?? []).map((metric) => ({ metric, reason, remedy }));
}

function unavailableOf(recording: NativeRecording, power: PowerReport | undefined): Unavailable[] {
  const told = recording.missing.flatMap(({ metric, reason, remedy }) =>
    (METRICS_OF_SOURCE[metric] ?? []).map((path) => ({ metric: path, reason, remedy })),
  );
  const explained = told.some((entry) => entry.metric === 'power.average_power_w');
  return power === undefined && !explained ? [...told, ...silentPower(recording)] : told;
}

function chartsOf(
  sample: SampleMessage,
  whole: Window,
  spawnNs: number,
): TelemetrySeries[] | undefined {
  const from = sample.start === null ? whole.beginNs : spawnNs;
  const series = documentSeries(sample.recording, { beginNs: from, endNs: whole.endNs }, spawnNs);
  return series.length === 0 ? undefined : series;
}

/** Cuts the recording of a process by the phases of its iteration. */
export function observe(sample: SampleMessage, context: ObservationContext): Observation {
  const { recording, session } = sample;
  const { whole, phases } = windowsOf(sample, context.family);
  const memory = memoryOf(recording, whole);
  const power = powerOf(recording, whole, phases, context.idle);
  const noise = noiseOf(recording, whole, context.after, evenSteps(sample, context));
  const average = memory.averageResidentBytes;
  const charts = chartsOf(sample, whole, context.spawnNs);
  return {
    iteration: {
      ...(average === undefined
        ? {}
        : { average_memory_mb: (average + uncountedDeviceBytes(session)) / 1e6 }),
      ...(power === undefined
        ? {}
        : {
            average_power_w: power.total.averageW,
            peak_power_w: power.peakW ?? null,
            energy_j: power.total.joules,
            energy_bound_j: power.total.boundJ,
            idle_power_w: power.idleW ?? null,
            efficiency: energyOf(power, sample, context),
          }),
      ...noiseFacts(noise),
      ...(charts === undefined ? {} : { telemetry: charts }),
    },
    unavailable: unavailableOf(recording, power),
    warnings: [
      ...throttlingWarning(throttlingOf(recording, whole, evenSteps(sample, context))),
      ...noiseWarnings(noise),
      ...powerWarnings(recording, power),
      ...samplerWarnings(recording),
    ],
    ...(power === undefined ? {} : { power: powerFacts(power) }),
  };
}

/** What the iteration went through, alarming or not; absent where nothing was told. */
function noiseFacts(noise: Noise): Partial<Iteration> {
  const percent = (share: number | undefined) => (share === undefined ? undefined : 100 * share);
  const facts = Object.entries({
    other_processors: noise.othersCores,
    steal_percent: percent(noise.stealShare),
    held_up_percent: percent(noise.lostShare),
    involuntary_switches_per_second: noise.involuntarySwitchesPerSecond,
    memory_pressure_percent: percent(noise.memoryPressure),
  }).filter(([, value]) => value !== undefined);
  return facts.length === 0 ? {} : { noise: Object.fromEntries(facts) };
}

function powerFacts(report: PowerReport): Record<string, unknown> {
  const { joules, boundJ } = report.total;
  return {
    idle_power_w: report.idleW ?? null,
    method: report.method,
    rails: report.rails,
    source_interval_ms: report.intervalNs / 1e6,
    uncertainty_percent: joules > 0 ? (100 * boundJ) / joules : null,
  };
}
