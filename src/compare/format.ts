import type { MetricComparison, SideDescription } from './types.js';

/** A figure with about four significant digits, without an exponent in the usual range. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e7 || size < 1e-4) return value.toExponential(3);
  if (size >= 1000) return value.toFixed(0);
  const decimals = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
  return value.toFixed(decimals);
}

/** A change in per cent with its sign; a true minus keeps columns readable. */
export function signedPercent(percent: number): string {
  const size = Math.abs(percent);
  const digits = size >= 100 ? 0 : 1;
  const text = size.toFixed(digits);
  const sign = Number(text) === 0 ? '±' : percent < 0 ? '−' : '+';
  return `${sign}${text}`;
}

export function change(comparison: MetricComparison): string {
  const { changePercent } = comparison;
  return changePercent === undefined ? '–' : `${signedPercent(changePercent)} %`;
}

/** "−1.2 … +4.9 %": the 95 % interval of the change. */
export function interval(comparison: MetricComparison): string {
  const { interval: bounds } = comparison;
  if (!bounds) return '–';
  return `${signedPercent((bounds.low - 1) * 100)} … ${signedPercent((bounds.high - 1) * 100)} %`;
}

export function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

export function ratio(value: number): string {
  return `${value.toFixed(value < 1.5 ? 2 : 1)}x`;
}

/** Verdicts of metrics that are reported but not gated stand in parentheses. */
export function verdictCell(comparison: MetricComparison): string {
  if (comparison.verdict === 'not judged') return '–';
  const mark = comparison.indicative && comparison.verdict !== 'inconclusive' ? ' *' : '';
  return comparison.gated ? `${comparison.verdict}${mark}` : `(${comparison.verdict})`;
}

const plural = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export function sideCounts(side: SideDescription): string {
  if (side.processes === 0) return 'statistics only';
  const processes = plural(side.processes, 'process', 'processes');
  return side.runs > 1 ? `${side.runs} runs, ${processes}` : processes;
}

export function sideDevice(side: SideDescription): string {
  const backend = side.backend ? ` (${side.backend})` : '';
  return `${side.device}, ${side.deviceName}${backend}${side.simulated ? ', SIMULATED' : ''}`;
}

/**
 * Text from a document on its way to a terminal or a log: control characters could move the cursor
 * or forge lines.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, '�');
}
