export { type ChangePoint, findChangePoints } from './change-points.js';
export { renderHistoryHtml } from './html.js';
export {
  type HistoryRun,
  type HistorySeries,
  historySeries,
  type SeriesPoint,
  stepKind,
} from './series.js';
export { type HistoryEntry, HistoryStore } from './store.js';
