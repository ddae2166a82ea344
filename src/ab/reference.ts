import { deviation, mean, median } from '../stats/basics.js';

/** What a short fixed kernel reached right before a sample: the machine's speed at that moment. */
export interface ReferenceSpeed {
  readonly read_bandwidth_gb_s: number;
  readonly f32_gflop_s: number;
}

export type SpeedKind = keyof ReferenceSpeed;

/** A time with the reference's speed before it. */
export interface SpeedSample {
  readonly value: number;
  readonly speed: ReferenceSpeed;
}

/** The effect with the samples put on one common speed. */
export interface Adjusted {
  readonly by: SpeedKind;
  /** Relative deviations within the sides, as measured and adjusted. */
  readonly deviation: number;
  readonly adjustedDeviation: number;
  /** Median of B ÷ median of A. */
  readonly ratio: number;
  readonly adjustedRatio: number;
}

/** An adjustment must take away this share of the spread to be worth a word. */
const WORTHWHILE = 0.2;
const FEWEST_SAMPLES = 4;

function logDeviation(sides: readonly (readonly number[])[]): number {
  const centred = sides.flatMap((values) => {
    const logs = values.map(Math.log);
    const center = mean(logs);
    return logs.map((log) => log - center);
  });
  // One degree of freedom a side went into its mean.
  const lost = (centred.length - 1) / (centred.length - sides.length);
  return deviation(centred) * Math.sqrt(lost);
}

/**
 * Times in proportion to the reference's: a slow moment of the machine is taken out of both. Of the
 * two speeds the one that leaves less spread within the sides is taken, and none (undefined) where
 * the spread hardly falls: the adjustment would then add noise of its own.
 */
export function adjustForSpeed(
  a: readonly SpeedSample[],
  b: readonly SpeedSample[],
): Adjusted | undefined {
  if (Math.min(a.length, b.length) < FEWEST_SAMPLES) return undefined;
  const values = (side: readonly SpeedSample[]) => side.map(({ value }) => value);
  const ratioOf = (x: readonly number[], y: readonly number[]) => median(y) / median(x);
  const plain = logDeviation([values(a), values(b)]);
  const found = (['read_bandwidth_gb_s', 'f32_gflop_s'] as const).map((by) => {
    const adjust = (side: readonly SpeedSample[]) =>
      side.map(({ value, speed }) => value * speed[by]);
    const sides = [adjust(a), adjust(b)] as const;
    return {
      by,
      deviation: plain,
      adjustedDeviation: logDeviation(sides),
      ratio: ratioOf(values(a), values(b)),
      adjustedRatio: ratioOf(...sides),
    };
  });
  const best = found.reduce((x, y) => (y.adjustedDeviation < x.adjustedDeviation ? y : x));
  return best.adjustedDeviation <= (1 - WORTHWHILE) * plain ? best : undefined;
}
