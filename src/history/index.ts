export { type ChangePoint, findChangePoints } from './change-points.js';
export { type HistoryRun, type HistorySeries, historySeries, type SeriesPoint } from './series.js';
export { type HistoryEntry, HistoryStore } from './store.js';
