/**
 * The few distribution functions that the tests need, to about 1e-13 relative. Methods: Lanczos'
 * approximation for log Γ (g = 7, nine terms), the continued fraction of the incomplete beta
 * function by Lentz's algorithm, series and continued fraction of the error function. Checked
 * against SciPy in test/stats.
 */

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** log Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = LANCZOS[0] as number;
  for (let i = 1; i < LANCZOS.length; i++) sum += (LANCZOS[i] as number) / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Continued fraction b0 + a1/(b1 + a2/(b2 + …)) by the modified Lentz algorithm. */
function continuedFraction(term: (step: number) => [a: number, b: number], b0: number): number {
  const tiny = 1e-300;
  let value = b0 || tiny;
  let c = value;
  let d = 0;
  for (let step = 1; step < 5000; step++) {
    const [a, b] = term(step);
    d = b + a * d || tiny;
    c = b + a / c || tiny;
    d = 1 / d;
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  return value;
}

/** Regularised incomplete beta function I_x(a, b). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const logFront =
    a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  const fraction = continuedFraction((step) => {
    const m = step >> 1;
    if (step === 1) return [1, 1];
    const even = (step & 1) === 1;
    const numerator = even
      ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
      : (-(a + m - 1) * (a + b + m - 1) * x) / ((a + 2 * m - 2) * (a + 2 * m - 1));
    return [numerator, 1];
  }, 0);
  return (Math.exp(logFront) / a) * fraction;
}

/** P(Z > z) for a standard normal Z, accurate in the far tail as well. */
export function normalUpper(z: number): number {
  if (z < 0) return 1 - normalUpper(-z);
  const x = z / Math.SQRT2;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 0.5 - sum / Math.sqrt(Math.PI);
  }
  const fraction = continuedFraction((step) => [step / 2, x], x);
  return Math.exp(-x * x) / (2 * Math.sqrt(Math.PI) * fraction);
}

export function normalCdf(z: number): number {
  return normalUpper(-z);
}

/** The z with P(Z ≤ z) = p. */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity;
  if (p >= 1) return Infinity;
  if (p > 0.5) return -normalQuantile(1 - p);
  // Start from Abramowitz & Stegun 26.2.23 (error below 4.5e-4), then Halley's method.
  const t = Math.sqrt(-2 * Math.log(p));
  let z =
    (2.515517 + 0.802853 * t + 0.010328 * t * t) /
      (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t) -
    t;
  for (let i = 0; i < 4; i++) {
    const error = (normalCdf(z) - p) * Math.sqrt(2 * Math.PI) * Math.exp((z * z) / 2);
    z -= error / (1 + (z * error) / 2);
  }
  return z;
}

/** P(T > t) for Student's t with `df` degrees of freedom (not necessarily whole). */
export function studentUpper(t: number, df: number): number {
  if (Number.isNaN(t)) return Number.NaN;
  if (t < 0) return 1 - studentUpper(-t, df);
  if (t === Infinity) return 0;
  return 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The t with P(T ≤ t) = p. */
export function studentQuantile(p: number, df: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -studentQuantile(1 - p, df);
  if (p >= 1) return Infinity;
  const tail = 1 - p;
  let low = 0;
  let high = 1;
  while (studentUpper(high, df) > tail) {
    low = high;
    high *= 2;
  }
  // Newton's method, kept inside a bracket that shrinks with every step.
  const logScale = logGamma((df + 1) / 2) - logGamma(df / 2) - 0.5 * Math.log(df * Math.PI);
  let t = (low + high) / 2;
  for (let i = 0; i < 100; i++) {
    const excess = studentUpper(t, df) - tail;
    if (excess > 0) low = t;
    else high = t;
    const density = Math.exp(logScale - ((df + 1) / 2) * Math.log1p((t * t) / df));
    let next = t + excess / density;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - t) <= 1e-15 * t) return next;
    t = next;
  }
  return t;
}
