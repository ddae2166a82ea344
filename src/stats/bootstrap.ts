import { type Interval, mean, quantileOfSorted, sorted } from './basics.js';
import { normalCdf, normalQuantile } from './distributions.js';
import { seededRandom } from './random.js';

export interface BootstrapOptions {
  readonly confidence?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

type Statistic = (samples: readonly Float64Array[]) => number;

/** Draws with replacement, ascending as its source is: counting replaces sorting. */
function resampleSorted(source: Float64Array, random: () => number, target: Float64Array): void {
  const counts = new Int32Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const pick = Math.floor(random() * source.length);
    counts[pick] = (counts[pick] as number) + 1;
  }
  let k = 0;
  for (let i = 0; i < source.length; i++) {
    for (let c = counts[i] as number; c > 0; c--) target[k++] = source[i] as number;
  }
}

/** The acceleration of BCa: skewness of the statistic under leaving out one sample at a time. */
function acceleration(samples: readonly Float64Array[], statistic: Statistic): number {
  const left: number[] = [];
  samples.forEach((sample, side) => {
    for (let i = 0; i < sample.length; i++) {
      const rest = new Float64Array(sample.length - 1);
      rest.set(sample.subarray(0, i), 0);
      rest.set(sample.subarray(i + 1), i);
      left.push(statistic(samples.map((other, index) => (index === side ? rest : other))));
    }
  });
  const center = mean(left);
  let squares = 0;
  let cubes = 0;
  for (const value of left) {
    squares += (center - value) ** 2;
    cubes += (center - value) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/**
 * Bias-corrected and accelerated bootstrap interval (Efron 1987) of a statistic over one or more
 * independent samples. `statistic` is given ascending samples. Seeded: the same input gives the
 * same interval.
 */
export function bootstrapInterval(
  samples: readonly ArrayLike<number>[],
  statistic: Statistic,
  options: BootstrapOptions = {},
): Interval {
  const { confidence = 0.95, resamples = 2000, seed = 1 } = options;
  const sources = samples.map((sample) => sorted(sample));
  const observed = statistic(sources);
  const random = seededRandom(seed);
  const drawn = sources.map((source) => new Float64Array(source.length));
  const estimates = new Float64Array(resamples);
  let below = 0;
  for (let r = 0; r < resamples; r++) {
    sources.forEach((source, side) => {
      resampleSorted(source, random, drawn[side] as Float64Array);
    });
    const estimate = statistic(drawn);
    estimates[r] = estimate;
    below += estimate < observed ? 1 : estimate === observed ? 0.5 : 0;
  }
  estimates.sort();
  const bias = normalQuantile(Math.min(Math.max(below, 0.5), resamples - 0.5) / resamples);
  const a = acceleration(sources, statistic);
  const bound = (p: number): number => {
    const z = bias + normalQuantile(p);
    return quantileOfSorted(estimates, normalCdf(bias + z / (1 - a * z)));
  };
  return { low: bound((1 - confidence) / 2), high: bound((1 + confidence) / 2) };
}

/** Bootstrap interval of median(current) / median(baseline). */
export function ratioOfMediansInterval(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  options: BootstrapOptions = {},
): Interval {
  return bootstrapInterval(
    [baseline, current],
    ([b, c]) => quantileOfSorted(c as Float64Array, 0.5) / quantileOfSorted(b as Float64Array, 0.5),
    options,
  );
}
