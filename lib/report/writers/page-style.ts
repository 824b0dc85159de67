import { darkPalette, palette } from '../plots/style';

/**
 * Plots are drawn for a white page: a dark one needs other hues, text and lines. Rules win over the
 * attributes that stand in the drawings.
 */
function darkPlots(): string {
  const hues = (Object.keys(palette) as (keyof typeof palette)[]).map((name) => {
    const [light, dark] = [palette[name], darkPalette[name]];
    return `  .plot [stroke="${light}"] { stroke: ${dark}; } .plot [fill="${light}"] { fill: ${dark}; }`;
  });
  return hues.join('\n');
}

/** The pages’ whole style: light or dark as the reader's system is, no fonts from elsewhere. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #fff; --panel: #f6f8fa; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --accent: #0b63a5;
  --plus: #eef6fc; --good: #d5efe6; --good-ink: #00573f; --bad: #fbe3d3; --bad-ink: #7a3500;
  --idle: #e9edf1; --idle-ink: #3d434b;
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
a { color: var(--accent); }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--page); padding: 6px 10px; z-index: 3; }
header, main, footer { max-width: 1240px; margin: 0 auto; padding: 0 28px; }
header { padding-top: 36px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 1.4rem; line-height: 1.3; margin: 56px 0 6px; padding-top: 20px; border-top: 2px solid var(--line); }
h3 { font-size: 1.15rem; margin: 36px 0 10px; }
h4, h5 { font-size: 1rem; margin: 28px 0 6px; }
h2, h3, h4, h5, p, li, dd { overflow-wrap: anywhere; }
p { margin: 6px 0; max-width: 84ch; }
.lead { color: var(--soft); font-size: 1.05rem; }
.soft, .notes { color: var(--soft); font-size: 0.9rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 20px; padding: 0; margin: 14px 0 0; font-size: 0.95rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin: 22px 0 0; background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.figures div { background: var(--panel); padding: 10px 16px; }
.figures dt { color: var(--soft); font-size: 0.82rem; }
.figures dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.compare { border-left: 4px solid var(--accent); background: var(--panel); padding: 10px 18px; margin: 16px 0; border-radius: 0 8px 8px 0; }
.compare p:first-child { font-weight: 600; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.92rem; line-height: 1.4; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: right; padding: 8px 12px; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--panel); color: var(--soft); font-weight: 600; font-size: 0.8rem; vertical-align: bottom; white-space: normal; min-width: 5.5rem; max-width: 9.5rem; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--page); z-index: 1; }
tbody th { font-weight: 600; white-space: normal; min-width: 8.5rem; max-width: 15rem; }
thead th:first-child { background: var(--panel); z-index: 2; }
td small { display: block; color: var(--soft); }
tr.plus > * { background: var(--plus); }
tr.idle > td { color: var(--soft); } tr.idle > th { color: var(--soft); font-weight: 400; }
.verdict { display: inline-block; padding: 0 9px; border-radius: 10px; background: var(--idle); color: var(--idle-ink); font-size: 0.82rem; }
.verdict.reproduced { background: var(--good); color: var(--good-ink); }
.verdict.differs { background: var(--bad); color: var(--bad-ink); }
.plots { display: flex; flex-wrap: wrap; gap: 18px 28px; margin: 10px 0; align-items: start; }
.plots figure { max-width: min(100%, 600px); }
figure { margin: 0; min-width: 0; }
.picture img { display: block; max-width: 100%; height: auto; }
.plot svg { display: block; max-width: 100%; height: auto; }
.plot .background { fill: none; }
.plot text { fill: var(--ink); }
.plot .role-axis-grid line { stroke: var(--line); }
.plot .role-axis-domain line, .plot .role-axis-tick line { stroke: var(--soft); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 20px; padding: 0; margin: 0 0 4px; font-size: 0.88rem; }
.legend li { display: flex; align-items: center; gap: 8px; margin: 0; }
.legend svg { width: 34px; height: 14px; flex: none; }
figcaption { font-size: 0.9rem; font-weight: 600; margin: 6px 0 2px; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; background: var(--page); }
details > :not(summary) { margin-left: 16px; margin-right: 16px; }
details details > summary { font-weight: 400; }
summary { cursor: pointer; padding: 8px 16px; font-weight: 600; }
summary .soft { font-weight: 400; margin-left: 6px; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 18px; font-size: 0.88rem; margin-top: 4px; margin-bottom: 14px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
ul { padding-left: 20px; margin: 8px 0; }
li { margin: 4px 0; max-width: 100ch; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
footer { padding-top: 20px; padding-bottom: 56px; }
@media (max-width: 700px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 22px; }
  h1 { font-size: 1.5rem; }
  h2 { font-size: 1.2rem; margin-top: 40px; }
  th, td { padding: 7px 9px; }
  tbody th { min-width: 6.5rem; max-width: 8rem; }
  .figures { grid-template-columns: 1fr 1fr; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 6px; }
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151a; --panel: #1a2027; --ink: #e6e9ed; --soft: #a0a8b2; --line: #303841; --accent: #6cb6f5;
    --plus: #16263a; --good: #0c3d31; --good-ink: #a4ecd3; --bad: #4a2710; --bad-ink: #ffd0ae;
    --idle: #2b333c; --idle-ink: #ccd3da;
  }
${darkPlots()}
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { .scroll { overflow: visible; } figure { break-inside: avoid; } nav { display: none; } }
`;

/** What the first page has besides: a table whose rows become blocks of their own where there is little room. */
export const glanceStyle = `
header { padding-top: 20px; }
h2 { margin-top: 32px; padding-top: 12px; }
#claims { margin-top: 14px; border-top: 0; padding-top: 0; }
p { max-width: none; }
.glance { font-size: 0.85rem; line-height: 1.4; border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
.glance th, .glance td { text-align: left; white-space: normal; min-width: 0; max-width: none; padding: 7px 10px; }
.glance th:first-child { position: static; background: none; }
.glance thead th, .glance thead th:first-child { background: var(--panel); }
.glance tbody th { width: 24%; }
.glance .verdict { white-space: nowrap; }
.glance small { display: block; color: var(--soft); font-size: 0.8rem; font-weight: 400; }
.glance td:nth-child(2) { width: 13%; } .glance td:nth-child(3) { width: 35%; } .glance td:nth-child(6) { width: 12%; }
.glance td > small { font-size: inherit; color: inherit; }
.glance td:nth-child(3) small:last-child { color: var(--soft); }
.shot { margin: 16px 0; }
.shot img { display: block; max-width: 100%; max-height: 560px; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
.words { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 6px 24px; font-size: 0.9rem; }
.words dt { font-weight: 600; display: inline; }
.words dt::after { content: ": "; }
.words dd { display: inline; margin: 0; color: var(--soft); }
.claim > summary h3 { display: inline; margin: 0; font-size: 1rem; }
@media (max-width: 700px) {
  .glance, .glance tbody, .glance tr, .glance th, .glance td { display: block; width: auto; }
  .glance thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .glance tbody tr { padding: 8px 0; border-bottom: 1px solid var(--line); }
  .glance tbody tr:last-child { border-bottom: 0; }
  .glance tbody th, .glance tbody td, .glance tbody td:nth-child(n) { border: 0; padding: 2px 12px; max-width: none; width: auto; }
  .glance td::before { content: attr(data-head) ": "; color: var(--soft); }
}
`;
