import type {
  Block,
  Cell,
  DocumentPart,
  DrawnDocument,
  Figure,
  LegendEntry,
  Picture,
  TableBlock,
} from '../document';
import { count } from '../numbers';
import type { RunEntry } from '../run-entries';
import { escapeHtml } from './escape-html';
import { pageStyle } from './page-style';

/** A page before its style and frame. */
interface PageContent {
  readonly title: string;
  /** Where else to go: addresses and texts. */
  readonly links: readonly (readonly [address: string, text: string])[];
  readonly content: string;
  /** What it was made of, below all. */
  readonly foot?: string;
  /** Rules of its own. */
  readonly style?: string;
}

/**
 * A page that needs nothing but the pages and pictures beside it: style and drawings are inside, and nothing is
 * asked of the network.
 */
export function pageHtml({ title, links, content, foot, style = '' }: PageContent): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}${style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>${escapeHtml(title)}</h1>
<nav aria-label="Pages and parts"><ul>
${links.map(([address, text]) => `<li><a href="${escapeHtml(address)}">${escapeHtml(text)}</a></li>`).join('\n')}
</ul></nav>
</header>
<main id="content">
${content}
</main>
<footer class="soft"><p>${escapeHtml(foot ?? 'Rendered from the run files alone; the same files give the same page.')}</p></footer>
</body>
</html>
`;
}

/** The first page, with the claims at a glance. */
export const firstPage = 'REPORT.html';
const toFirstPage = [firstPage, 'At a glance'] as const;

/**
 * The pages of a document, by their file names: the settings that matter most (its first part unless some
 * are named) and those with a run that is under way, its other settings if there are any, and its runs with
 * their provenance.
 */
export function renderPages(
  document: DrawnDocument,
  current: readonly string[] = [],
): [file: string, page: string][] {
  const { name, title, parts, reading, sources } = document;
  const named = parts.filter((part) => current.includes(part.title));
  const main = named.length > 0 ? named : parts.slice(0, 1);
  const shown = parts.filter(
    (part) => main.includes(part) || part.runs.some(({ score }) => score === null),
  );
  const older = parts.filter((part) => !shown.includes(part));
  const [own, others, runs] = ['', '-older', '-runs'].map((ending) => `${name}${ending}.html`);
  const toRuns = [`${name}-runs.html`, 'Runs and where they come from'] as const;
  const pages = [
    [
      own,
      {
        title,
        links: [
          toFirstPage,
          ...shown.map((part, index) => [`#${partId(name, index)}`, part.title] as const),
          [`#${name}-reading`, 'How to read it'] as const,
          [`#${name}-sources`, 'Sources'] as const,
          ...(older.length === 0 ? [] : [[`${name}-older.html`, 'Older settings'] as const]),
          toRuns,
        ],
        content: `${aboveParts(document)}
${shown.map((part, index) => partHtml(part, partId(name, index))).join('\n')}
${heading('How to read it', 2, `${name}-reading`)}
${htmlList(reading, 'plain')}
${heading('What is known of the paper’s', 2, `${name}-sources`)}
${htmlList(sources, 'plain')}`,
      },
    ],
    [
      others,
      {
        title: `Older settings of “${title}”`,
        links: [toFirstPage, [`${name}.html`, title] as const, toRuns],
        content: older.map((part, index) => partHtml(part, partId(name, index))).join('\n'),
      },
    ],
    [
      runs,
      {
        title: `Runs of “${title}”`,
        links: [toFirstPage, [`${name}.html`, title] as const],
        content: parts.map((part) => runsHtml(part)).join('\n'),
      },
    ],
  ] as const;
  return pages
    .filter(([file]) => file !== others || older.length > 0)
    .map(([file = '', page]) => [file, pageHtml(page)]);
}

function partId(name: string, index: number): string {
  return `${name}-${String(index + 1)}`;
}

function aboveParts({ asks, overview }: DrawnDocument): string {
  const facts = overview.map(
    ([term, text]) => `<div><dt>${escapeHtml(term)}</dt><dd>${escapeHtml(text)}</dd></div>`,
  );
  return `<p class="lead">${escapeHtml(asks)}</p>
${facts.length === 0 ? '' : `<dl class="figures">${facts.join('')}</dl>`}`;
}

function partHtml(part: DocumentPart<Figure>, id: string): string {
  const { title, environment, sentences, blocks } = part;
  let above = title;
  // Below the part's own heading, and below a block's once there is one.
  let level = 3;
  return `${heading(title, 2, id)}
<p class="soft">${escapeHtml(environment)}</p>
<div class="compare">${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n')}</div>
${blocks
  .map((block) => {
    if (block.kind === 'heading') {
      above = block.text;
      level = 4;
      return heading(block.text, 3);
    }
    return blockHtml(block, above, level);
  })
  .join('\n')}`;
}

/**
 * @param above - the heading that it stands under
 * @param level - of the heading that it has itself, where it has one
 */
export function blockHtml(block: Block<Figure>, above: string, level: number): string {
  switch (block.kind) {
    case 'heading':
      return heading(block.text, level);
    case 'text':
      return block.strong
        ? `<p><strong>${escapeHtml(block.text)}</strong></p>`
        : `<p class="soft">${escapeHtml(block.text)}</p>`;
    case 'list':
      return htmlList(block.items, 'notes');
    case 'table':
      return tableHtml(block, block.caption ?? `Table of ${above}`);
    case 'pictures':
      return `${heading(block.title, level)}
${block.pictures.map(pictureHtml).join('\n')}`;
    case 'plots':
      return `${heading(block.title, level)}
${legendHtml(block.legend)}<div class="plots">${block.plots.map(figureHtml).join('')}</div>`;
  }
}

function heading(text: string, level: number, id?: string): string {
  const name = `h${String(level)}`;
  return `<${name}${id === undefined ? '' : ` id="${id}"`}>${escapeHtml(text)}</${name}>`;
}

/** A list with an entry for each text; nothing when there is none. */
function htmlList(texts: readonly string[], name: string): string {
  if (texts.length === 0) return '';
  return `<ul class="${name}">${texts.map((text) => `<li>${escapeHtml(text)}</li>`).join('\n')}</ul>`;
}

/** A wide table scrolls in a box of its own, which the keyboard can reach, and not the page. */
function tableHtml({ caption, head, rows }: TableBlock, label: string): string {
  const columns = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const body = rows.map(({ cells: [first = '', ...others], strong, idle }) => {
    const name = typeof first === 'string' ? first : first.text;
    const classes = [strong === true ? 'plus' : '', idle === true ? 'idle' : ''].join(' ').trim();
    return `<tr${classes === '' ? '' : ` class="${classes}"`}><th scope="row">${escapeHtml(name)}</th>${others.map(cellHtml).join('')}</tr>`;
  });
  return `${caption === undefined ? '' : `<p class="soft">${escapeHtml(caption)}</p>\n`}<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(label)}"><table><caption>${escapeHtml(label)}</caption><thead><tr>${columns}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>`;
}

const tones = { good: 'reproduced', bad: 'differs', open: 'open' } as const;

export function cellHtml(cell: string | Cell): string {
  if (typeof cell === 'string') return `<td>${escapeHtml(cell)}</td>`;
  const { text, below = [], tone, tip } = cell;
  const small = below.map((line) => `<small>${escapeHtml(line)}</small>`).join('');
  const shown =
    tone === undefined
      ? escapeHtml(text)
      : `<span class="verdict ${tones[tone]}">${escapeHtml(text)}</span>`;
  return `<td${tip === undefined ? '' : ` title="${escapeHtml(tip)}"`}>${shown}${small}</td>`;
}

function legendHtml(entries: readonly LegendEntry[]): string {
  if (entries.length === 0) return '';
  const items = entries.map(
    ({ label, sample }) =>
      `<li><span class="plot" aria-hidden="true"><svg viewBox="0 0 34 14">${sample}</svg></span>${escapeHtml(label)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** A plot with its title; those who do not see it are told what it shows. */
function figureHtml({ title, label, svg }: Figure): string {
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><div class="plot" role="img" aria-label="${escapeHtml(label)}">${svg}</div></figure>`;
}

function pictureHtml({ title, label, source, width, height }: Picture): string {
  return `<figure class="picture"><figcaption>${escapeHtml(title)}</figcaption><img src="${source}" width="${String(width)}" height="${String(height)}" alt="${escapeHtml(label)}"></figure>`;
}

/** How and where the runs of a part ran, one folded list a run. */
function runsHtml({ title, environment, runs, dataHash }: DocumentPart<Figure>): string {
  return `${heading(title, 2)}
<p class="soft">${escapeHtml(`${count(runs.length, 'run')} · ${environment}`)}</p>
<p class="soft">Data as read, SHA-256: <code>${escapeHtml(dataHash ?? 'not recorded')}</code></p>
${runs.map(runHtml).join('\n')}`;
}

function runHtml({ name, score, time, facts }: RunEntry): string {
  const note =
    score === null ? 'unfinished: in no number' : `${score}${time === '' ? '' : ` in ${time}`}`;
  const entries = facts.flatMap(([term, text]) =>
    text === null ? [] : [`<dt>${escapeHtml(term)}</dt><dd>${factHtml(term, text)}</dd>`],
  );
  return `<details><summary>${escapeHtml(name)} <span class="soft">${escapeHtml(note)}</span></summary>
<dl class="facts">
${entries.join('\n')}
</dl></details>`;
}

/** Facts that are typed or compared letter by letter. */
const literal = new Set(['Run directory', 'Command', 'Code revision']);

function factHtml(term: string, text: string): string {
  return literal.has(term) || /^[0-9a-f]{64}$/u.test(text)
    ? `<code>${escapeHtml(text)}</code>`
    : escapeHtml(text);
}
