/** Digits after the point that a value of this size deserves: about four that carry meaning. */
export function decimalsFor(value: number): number {
  const size = Math.abs(value);
  if (size === 0 || size >= 10_000) return 0;
  if (size >= 100) return 1;
  if (size >= 1) return 2;
  return Math.min(9, 2 - Math.floor(Math.log10(size)));
}

const FORMATS = new Map<number, Intl.NumberFormat>();

/** Making a formatter costs more than using it a thousand times. */
function formatterFor(decimals: number): Intl.NumberFormat {
  let format = FORMATS.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat('en-US', {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    FORMATS.set(decimals, format);
  }
  return format;
}

/** "1,845.3": grouped by thousands, with a fixed number of digits after the point. */
export function formatNumber(value: number, decimals = decimalsFor(value)): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e15 || size < 1e-8)) return value.toExponential(3);
  return formatterFor(decimals).format(value);
}

/** "7.54×": how many times one thing is another. */
export function formatRatio(ratio: number): string {
  const size = Math.abs(ratio);
  if (size >= 100) return `${formatNumber(ratio, 0)}×`;
  return `${formatNumber(ratio, size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3)}×`;
}

export interface Quantity {
  readonly value: string;
  readonly unit: string;
  /** What a value in the metric's unit is multiplied by for this one. */
  readonly factor: number;
}

/** The factors to a larger or smaller unit that is easier to read. */
const SCALED: Record<string, [limit: number, factor: number, unit: string][]> = {
  ms: [[10_000, 1e-3, 's']],
  MB: [[1000, 1e-3, 'GB']],
  'J/token': [[0, 1e3, 'mJ/token']],
};

/** A figure for display on its own: three to four digits and the unit that makes it short. */
export function formatQuantity(value: number, unit: string): Quantity {
  if (unit === 'J/token' && value >= 1) return { value: formatNumber(value), unit, factor: 1 };
  const scale = SCALED[unit]?.find(([limit]) => Math.abs(value) >= limit);
  const shown = scale ? value * scale[1] : value;
  const size = Math.abs(shown);
  const decimals = size >= 1000 ? 0 : size >= 10 ? 1 : decimalsFor(shown);
  return {
    value: formatNumber(shown, decimals),
    unit: scale?.[2] ?? unit,
    factor: scale?.[1] ?? 1,
  };
}

/** "12.4 GB" in one string, with a space that does not break. */
export function quantityText(value: number, unit: string): string {
  const quantity = formatQuantity(value, unit);
  return quantity.unit === '' ? quantity.value : `${quantity.value}\u00a0${quantity.unit}`;
}

const UNITS_OF_COUNT: [number, string][] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** "7B" parameters. */
export function formatCount(value: number): string {
  for (const [size, suffix] of UNITS_OF_COUNT) {
    if (value >= size) return `${Number((value / size).toPrecision(3))}${suffix}`;
  }
  return String(value);
}

/** "2024-01-15 10:30 UTC". */
export function formatTimestamp(timestamp: string): string {
  const iso = new Date(timestamp).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

export function plural(count: number, word: string, many = `${word}s`): string {
  return `${formatNumber(count, 0)} ${count === 1 ? word : many}`;
}

/** A clause of a document as a sentence: a capital first (unless it is a name or path), a full stop last. */
export function sentence(text: string): string {
  const first = /^\s*([a-z])[a-z]*(?=[\s,])/u.exec(text);
  const start = text.trimStart();
  const capital = first ? start.charAt(0).toUpperCase() + start.slice(1) : start;
  return /[.!?…:]\s*$/u.test(capital) || capital === '' ? capital : `${capital}.`;
}
