/** The page's whole style: no fonts, scripts or pictures from elsewhere. */
export const pageStyle = `
:root { color-scheme: light; --ink: #1c1e21; --soft: #5a6069; --line: #dde1e6; --tint: #f5f7f9; --accent: #0072B2; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 40px 0 4px; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 28px 0 8px; overflow-wrap: anywhere; }
p { margin: 6px 0; }
.soft, .facts, .notes { color: var(--soft); font-size: 0.9rem; overflow-wrap: anywhere; }
.compare { border-left: 4px solid var(--accent); background: var(--tint); padding: 10px 16px; margin: 14px 0; }
.compare p:first-child { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.93rem; }
th, td { text-align: right; padding: 7px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: 0.82rem; border-bottom: 2px solid var(--line); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tbody th { font-weight: 600; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
td small { display: block; color: var(--soft); white-space: nowrap; }
td { white-space: nowrap; }
tr.plus { background: #f0f6fb; }
tr.idle { color: var(--soft); }
.verdict { display: inline-block; padding: 0 8px; border-radius: 10px; background: #eceff2; color: #3d434b; font-size: 0.82rem; }
.verdict.reproduced { background: #d5efe6; color: #00573f; }
.verdict.differs { background: #fbe3d3; color: #7a3500; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 16px; margin-top: 16px; align-items: start; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: 0.93rem; }
.picture img { display: block; max-width: 100%; height: auto; }
.plot svg { max-width: 100%; height: auto; display: block; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 20px; padding: 0; margin: 16px 0 4px; font-size: 0.88rem; }
.legend li { display: flex; align-items: center; gap: 8px; }
.legend svg { width: 34px; height: 14px; }
details { margin: 12px 0; }
summary { cursor: pointer; color: var(--accent); }
ul { padding-left: 20px; margin: 8px 0; }
li { margin: 3px 0; }
code { font: 0.88em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
@media (max-width: 800px) {
  main { padding: 16px 14px 48px; }
  h1 { font-size: 1.4rem; }
  table.rows, .rows tbody, .rows tr, .rows td, .rows th { display: block; width: 100%; }
  .rows thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .rows tr { border: 1px solid var(--line); border-radius: 8px; margin: 10px 0; padding: 6px 12px 8px; }
  .rows tbody th { border: 0; padding: 2px 0; font-size: 1.02rem; text-align: left; }
  .rows td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 2px 0; text-align: right; white-space: normal; }
  .rows td::before { content: attr(data-label); color: var(--soft); text-align: left; flex: 0 1 auto; }
  .rows td.empty { display: none; }
}
@media print { details { display: block; } .plots { break-inside: avoid; } }
`;
