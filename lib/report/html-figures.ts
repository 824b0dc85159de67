import type { LineStyle } from './families';
import type { Figure } from './figures';
import { escapeHtml } from './html-text';
import { markLooks, type MarkKind } from './interval-panel';
import { palette } from './plot-style';

/** A plot with its title; those who do not see it are told what it shows. */
export function figureHtml({ title, label, svg }: Figure): string {
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><div class="plot" role="img" aria-label="${escapeHtml(label)}">${svg}</div></figure>`;
}

/** What the lines of plots by epoch are. */
export function linesLegend(
  lines: readonly { readonly label: string; readonly style: LineStyle }[],
): string {
  return legend(
    lines.map(({ label, style: { color, dash } }) => ({
      label,
      sample: `<path d="M0 7H34" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/>`,
    })),
  );
}

/** What the marks of plots with intervals are. */
export function marksLegend(marks: ReadonlySet<MarkKind> = new Set()): string {
  const { mean, seed, paper, range } = markLooks;
  const samples: Readonly<Record<MarkKind, string>> = {
    mean: `<path d="M2 7H32" stroke="${palette.blue}" stroke-width="2"/><circle cx="17" cy="7" r="5" fill="${mean.color}"/>`,
    seed: `<circle cx="17" cy="7" r="3.5" fill="${seed.color}"/>`,
    paper: `<path d="M17 0V14" stroke="${paper.color}" stroke-width="3.5"/>`,
    range: `<path d="M3 7H31" stroke="${range.color}" stroke-width="11" opacity="0.45"/>`,
  };
  const labels: Readonly<Record<MarkKind, string>> = {
    mean: 'measured: mean and 95 % interval',
    seed: seed.label,
    paper: paper.label,
    range: range.label,
  };
  return legend(
    (['mean', 'seed', 'paper', 'range'] as const)
      .filter((kind) => marks.has(kind))
      .map((kind) => ({ label: labels[kind], sample: samples[kind] })),
  );
}

function legend(entries: readonly { readonly label: string; readonly sample: string }[]): string {
  const items = entries.map(
    ({ label, sample }) =>
      `<li><span class="plot" aria-hidden="true"><svg viewBox="0 0 34 14">${sample}</svg></span>${escapeHtml(label)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}
