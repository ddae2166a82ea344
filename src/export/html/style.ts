/**
 * The style of a report, written into its head: nothing is loaded from elsewhere. Colours are
 * variables so that charts follow light and dark; printing is always light. Every text colour has a
 * contrast of at least 4.5 to its ground, every line at least 3 where it carries meaning.
 */
const LIGHT = `
  --ground: #fbfbf9; --raised: #ffffff; --ink: #16191d; --soft: #545c66; --hair: #dcdfda;
  --grid: #e7e9e4; --axis: #7b838c; --accent: #0b6b66; --shade: #f1f3ee;
  --good: #0a6b3d; --bad: #b3261e; --note-ground: #fdf4e1; --note-ink: #5f4300; --note-edge: #c98a10;
  --c0: #0b6b66; --c1: #3f51c9; --c2: #b9480e; --c3: #7a35b8; --c4: #8a6100; --c5: #b0246b;
  --c6: #4b5866; --c7: #2b7a33; --on-color: #ffffff;
  --p-load: #8f979f2e; --p-cold: #b9480e1f; --p-prefill: #3f51c926; --p-decode: #0b6b661c;
`;
const DARK = `
  --ground: #121518; --raised: #1a1e22; --ink: #e9ecef; --soft: #a7b0b9; --hair: #333a41;
  --grid: #262c32; --axis: #7f8993; --accent: #4fd6c8; --shade: #1e2328;
  --good: #5fd693; --bad: #ff8f85; --note-ground: #2c2413; --note-ink: #f3dca6; --note-edge: #c9962f;
  --c0: #4fd6c8; --c1: #9fb0ff; --c2: #ff9d5c; --c3: #d0b3ff; --c4: #f0cb52; --c5: #ff8fc2;
  --c6: #a9b6c4; --c7: #7fd88a; --on-color: #121518;
  --p-load: #a7b0b926; --p-cold: #ff9d5c24; --p-prefill: #9fb0ff2b; --p-decode: #4fd6c81f;
`;

const colorRules = Array.from(
  { length: 8 },
  (_, index) =>
    `.c${index}{--c:var(--c${index})}.seg.g${index}{fill:var(--c${index})}.inbar.g${index}{fill:var(--on-color)}.legend .g${index}{--p:var(--c${index})}`,
).join('\n');

export const STYLE = `
:root {${LIGHT} color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) { :root {${DARK}} }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
.page { max-width: 1108px; margin: 0 auto; padding: 0 24px 64px; }
header.page { padding-top: 44px; padding-bottom: 0; }
footer.page { padding-bottom: 40px; color: var(--soft); font-size: 14px; }
footer p { max-width: none; border-top: 1px solid var(--hair); padding-top: 16px; margin: 0; }
.overline { margin: 0 0 6px; color: var(--accent); font-size: 14px; font-weight: 600; letter-spacing: 0.02em; }
h1 { margin: 0; font-size: 38px; line-height: 1.12; font-weight: 680; letter-spacing: -0.022em; text-wrap: balance; }
h1 .soft { font-weight: 420; }
.lead { margin: 16px 0 0; max-width: 46em; font-size: 19px; line-height: 1.45; text-wrap: pretty; }
.soft { color: var(--soft); fill: var(--soft); }
h2 { margin: 60px 0 4px; padding-top: 18px; border-top: 2px solid var(--ink); font-size: 23px; line-height: 1.25; letter-spacing: -0.012em; }
h3 { margin: 0; font-size: 16.5px; line-height: 1.35; }
h3.group { margin-top: 44px; font-size: 19px; }
h3.group + p { margin-top: 2px; }
p { margin: 6px 0 0; max-width: 46em; }
a { color: var(--accent); }
code { font: 0.92em ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }

.banner { margin: 20px 0 0; padding: 11px 16px; max-width: none; border-left: 4px solid var(--note-edge); background: var(--note-ground); color: var(--note-ink); }
.banner + .banner { margin-top: 8px; }
.banner.failed { border-color: var(--bad); }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(205px, 1fr)); gap: 0 32px; margin: 30px 0 0; }
.tile { padding: 14px 0 16px; border-top: 1px solid var(--hair); }
.tile dt { color: var(--soft); font-size: 15px; }
.tile dd { margin: 0; }
.tile .figure { font-size: 35px; line-height: 1.2; font-weight: 650; letter-spacing: -0.025em; white-space: nowrap; }
.tile .figure .of { font-size: 17px; font-weight: 450; letter-spacing: 0; color: var(--soft); }
.tile .spread { color: var(--soft); font-size: 14px; line-height: 1.4; }
.tile .absent { font-size: 15px; line-height: 1.4; padding-top: 8px; color: var(--soft); }
.strip { display: block; width: 100%; max-width: 190px; height: 20px; margin: 2px 0 4px; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 0 32px; margin: 18px 0 0; }
.facts div { display: grid; grid-template-columns: 8.2em minmax(0, 1fr); gap: 10px; padding: 6px 0; border-top: 1px solid var(--hair); }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 36px 36px; margin-top: 24px; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figure.wide { grid-column: 1 / -1; }
figcaption { margin-bottom: 8px; }
figcaption p { margin-top: 3px; color: var(--soft); font-size: 15px; line-height: 1.45; }
.chart { display: block; width: 100%; height: auto; overflow: visible; font-size: 11px; }
figure.wide .chart.full, .chart.full { font-size: 12.5px; }
.for-narrow { display: none; }

.chart text { fill: var(--ink); font-family: inherit; }
.chart text.tick, .chart text.unit, .chart .soft { fill: var(--soft); }
.chart .grid { stroke: var(--grid); stroke-width: 1; }
.axis { stroke: var(--axis); stroke-width: 1; }
.line { fill: none; stroke: var(--c, var(--accent)); stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.line.faint { stroke: var(--soft); stroke-width: 0.9; opacity: 0.38; }
.line.strong { stroke: var(--accent); stroke-width: 2.2; }
.band { fill: var(--accent); opacity: 0.17; }
.bar { fill: var(--accent); opacity: 0.82; }
.fill { fill: var(--c, var(--accent)); }
.fill.c-npu, .c-npu { --c: var(--c0); } .fill.c-cpu, .c-cpu { --c: var(--c1); } .fill.c-gpu, .c-gpu { --c: var(--c2); }
.spike { fill: var(--bad); }
.rule { stroke: var(--ink); stroke-width: 1.2; }
.chart text.mark { font-size: 0.95em; paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
.chart text.label, .chart text.value { font-size: 1.09em; }
.chart text.value { paint-order: stroke; stroke: var(--ground); stroke-width: 3px; font-weight: 560; }
.chart text.value .soft { font-weight: 400; }
.chart text.inbar { font-size: 1em; }
.whisker { stroke: var(--ink); stroke-width: 1.4; }
.dot { fill: var(--accent); opacity: 0.55; }
.point { fill: var(--c, var(--accent)); stroke: var(--ground); stroke-width: 1.5; }
.ideal { fill: none; stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 4 4; }
.roof { fill: none; stroke: var(--ink); stroke-width: 1.8; }
.drop { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
.level { stroke: var(--ink); stroke-width: 1.4; }
.change { stroke: var(--soft); stroke-width: 1.4; stroke-dasharray: 4 3; }
.change.worse { stroke: var(--bad); } .change.better { stroke: var(--good); }
.chart text.change-name.worse { fill: var(--bad); } .chart text.change-name.better { fill: var(--good); }
.phase.load, .phase.other { fill: var(--p-load); } .phase.cold { fill: var(--p-cold); }
.phase.prefill { fill: var(--p-prefill); } .phase.decode { fill: var(--p-decode); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 14px; line-height: 1.4; }
figure .legend { margin: 0 0 6px; }
.legend li::before { content: ""; display: inline-block; width: 14px; height: 14px; margin-right: 7px; vertical-align: -2px; border: 1px solid var(--hair); background: var(--p); }
.legend .load, .legend .other { --p: var(--p-load); } .legend .cold { --p: var(--p-cold); }
.legend .prefill { --p: var(--p-prefill); } .legend .decode { --p: var(--p-decode); }
.chart text.series-name { fill: var(--c); }
${colorRules}

.table { overflow-x: auto; margin-top: 12px; }
.table:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 15px; line-height: 1.35; }
caption { text-align: left; padding: 0 0 8px; font-size: 16.5px; font-weight: 650; }
th, td { padding: 7px 14px 7px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--hair); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 500; border-bottom-color: var(--axis); vertical-align: bottom; }
tbody th { font-weight: 500; }
.num { text-align: right; white-space: nowrap; }
thead .num { white-space: normal; }
.table-note { color: var(--soft); font-size: 14px; max-width: none; }
.tables > .table { margin-top: 30px; }
.split { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px 36px; }

.notes { margin: 16px 0 0; padding: 0; list-style: none; max-width: 56em; }
.notes li { padding: 12px 0; border-top: 1px solid var(--hair); }
.notes strong { display: block; }
.notes .do { color: var(--soft); }
.contents { margin: 20px 0 0; padding: 0; list-style: none; columns: 3 260px; column-gap: 32px; }
.contents li { padding: 3px 0; break-inside: avoid; }
.defs { margin: 16px 0 0; columns: 2 380px; column-gap: 36px; font-size: 15px; }
.defs div { break-inside: avoid; padding: 0 0 11px; }
.defs dt { font-weight: 600; }
.defs dd { margin: 0; color: var(--soft); }

@media (max-width: 760px) {
  .page { padding: 0 16px 48px; }
  header.page { padding-top: 28px; }
  h1 { font-size: 29px; }
  .lead { font-size: 17px; }
  h2 { margin-top: 44px; }
  .charts, .split { grid-template-columns: minmax(0, 1fr); gap: 30px; }
  .chart { font-size: 12.8px; }
  .for-wide { display: none; }
  .for-narrow { display: block; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 20px; }
  .tile .figure { font-size: 27px; }
  .tile .figure .of { font-size: 14px; }
  .facts { grid-template-columns: minmax(0, 1fr); }
  table { font-size: 14px; }
  th, td { padding-right: 12px; }
}
@media print {
  :root { --ground: #ffffff; }
  @page { margin: 15mm 14mm; }
  body { font-size: 10.5pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .page { max-width: none; padding: 0; }
  header.page { padding: 0; }
  h1 { font-size: 24pt; }
  .lead { font-size: 12.5pt; }
  h2 { margin-top: 26pt; font-size: 15pt; break-after: avoid; }
  h3, figcaption, caption { break-after: avoid; }
  .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0 18px; }
  .tile .figure { font-size: 20pt; }
  .tile, .notes li, .facts div, tr { break-inside: avoid; }
  .charts { gap: 18px 22px; }
  .chart { font-size: 12.8px; }
  .chart.full { font-size: 14px; }
  table { font-size: 9pt; }
  .table { overflow: visible; }
  thead { display: table-header-group; }
  th, td { padding: 3.5pt 8pt 3.5pt 0; }
}
`;
