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

/**
 * Documents as one HTML page that needs nothing else: tables, plots with intervals, curves by epoch,
 * provenance of each run. Style and drawings are inside; it has no script, and nothing is asked of the
 * network. Several documents have a section each, one alone is the page.
 */
export function renderPage(documents: readonly DrawnDocument[]): string {
  const [only] = documents.length === 1 ? documents : [];
  const title = only?.title ?? 'The paper beside measured runs';
  const content =
    only === undefined
      ? documents.map((document) => sectionHtml(document)).join('\n')
      : documentHtml(only, 2);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the tables</a>
<header>
<h1>${escapeHtml(title)}</h1>
<nav aria-label="On this page"><ul>
${(only === undefined ? documents.map(({ name, title: text }) => link(name, text)) : linksWithin(only)).join('\n')}
</ul></nav>
</header>
<main id="content">
${content}
</main>
<footer class="soft"><p>Rendered from the run files alone; the same files give the same page.</p></footer>
</body>
</html>
`;
}

/** The links to the parts of a document that is the page. */
function linksWithin(document: DrawnDocument): string[] {
  return [
    ...document.parts.map((part, index) => link(partId(document, index), part.title)),
    link(`${document.name}-reading`, 'How to read it'),
    link(`${document.name}-sources`, 'Sources'),
  ];
}

function link(id: string, text: string): string {
  return `<li><a href="#${id}">${escapeHtml(text)}</a></li>`;
}

function sectionHtml(document: DrawnDocument): string {
  const { name, title } = document;
  return `<section id="${name}" aria-labelledby="${name}-title">
<h2 id="${name}-title">${escapeHtml(title)}</h2>
${documentHtml(document, 3)}
</section>`;
}

function partId({ name }: DrawnDocument, index: number): string {
  return `${name}-${String(index + 1)}`;
}

/** @param level of its parts' headings */
function documentHtml(document: DrawnDocument, level: number): string {
  const { name, asks, overview, parts, reading, sources } = document;
  const facts = overview.map(
    ([term, text]) => `<div><dt>${escapeHtml(term)}</dt><dd>${escapeHtml(text)}</dd></div>`,
  );
  return `<p class="lead">${escapeHtml(asks)}</p>
${facts.length === 0 ? '' : `<dl class="figures">${facts.join('')}</dl>`}
${parts.map((part, index) => partHtml(part, partId(document, index), level)).join('\n')}
${heading('How to read it', level, `${name}-reading`)}
${htmlList(reading, 'plain')}
${heading('What is known of the paper’s', level, `${name}-sources`)}
${htmlList(sources, 'plain')}`;
}

function partHtml(part: DocumentPart<Figure>, id: string, level: number): string {
  const { title, environment, sentences, blocks, runs, dataHash } = part;
  let above = title;
  return `${heading(title, level, id)}
<p class="soft">${escapeHtml(environment)}</p>
<div class="compare">${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n')}</div>
${blocks
  .map((block) => {
    if (block.kind === 'heading') above = block.text;
    return blockHtml(block, above, level + 1);
  })
  .join('\n')}
${runsHtml(runs, dataHash)}`;
}

/** @param above the heading that it stands under */
function blockHtml(block: Block<Figure>, above: string, level: number): string {
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
      return `${heading(block.title, level + 1)}
${block.pictures.map(pictureHtml).join('\n')}`;
    case 'plots':
      return `${heading(block.title, level + 1)}
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

function cellHtml(cell: string | Cell): string {
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

/** How and where runs on the same data ran, one folded list a run. */
function runsHtml(runs: readonly RunEntry[], dataHash: string | null): string {
  return `<details><summary>Provenance of ${count(runs.length, 'run')}</summary>
<p class="soft">Data as read, SHA-256: <code>${escapeHtml(dataHash ?? 'not recorded')}</code></p>
${runs.map(runHtml).join('\n')}
</details>`;
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
