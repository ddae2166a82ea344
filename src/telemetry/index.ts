/** Pure functions over recordings and snapshots: they read no file and print nothing. */
export { documentSeries, MOST_POINTS } from './chart-series.js';
export { type Energy, type EnergyMeter, energyMeter, energyOf } from './energy.js';
export {
  BOUNDS,
  noiseWarnings,
  powerWarnings,
  samplerWarnings,
  throttlingWarning,
} from './findings.js';
export { type MemoryReport, memoryOf } from './memory.js';
export { type Noise, noiseOf } from './noise.js';
export {
  idlePowerW,
  isStuck,
  type PhaseEnergy,
  type PowerReport,
  powerOf,
  totalSeries,
} from './power.js';
export { type Soundness, type SoundnessReason, scoreOf, snapshotWarnings } from './soundness.js';
export { meanClocksHz, slowdownOf, type Throttling, throttlingOf } from './throttling.js';
export {
  growth,
  mean,
  type Phase,
  peak,
  seriesOf,
  updateIntervalNs,
  valueAt,
  type Window,
} from './window.js';
