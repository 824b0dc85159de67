import type { Figure } from '../figures';
import {
  escapeHtml,
  figureHtml,
  htmlList,
  linesLegend,
  marksLegend,
  pageStyle,
  paragraphs,
  tableCell,
} from '../html';
import { runsHtml } from '../report-runs';
import type { Block, Cell, DrawnStudy, PicturesBlock, StudyPart, TableBlock } from './document';

type Picture = PicturesBlock['pictures'][number];

const tones = { good: 'reproduced', bad: 'differs', open: 'open' } as const;

/** A study as one HTML page that needs nothing else, like that of table 1. */
export function renderStudyHtml(study: DrawnStudy): string {
  const { title, asks, parts, reading, sources } = study;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="soft">${escapeHtml(asks)}</p>
${parts.map((part) => `<section><h2>${escapeHtml(part.title)}</h2>${partHtml(part, 3)}</section>`).join('\n')}
<h2>How to read it</h2>
${htmlList(reading)}
<h2>What is known of the paper’s</h2>
${htmlList(sources)}
</main>
</body>
</html>
`;
}

/**
 * The runs of one setting, without its heading.
 *
 * @param level of the headings within: 3 below an `h2`
 */
export function partHtml(part: StudyPart<Figure>, level: 3 | 4): string {
  return `<p class="soft">${escapeHtml(part.environment)}</p>
<div class="compare">${paragraphs(part.sentences)}</div>
${part.blocks.map((block) => blockHtml(block, level)).join('\n')}
${runsHtml(part.runs, part.dataHash)}`;
}

function blockHtml(block: Block<Figure>, level: 3 | 4): string {
  switch (block.kind) {
    case 'heading':
      return `<h${String(level)}>${escapeHtml(block.text)}</h${String(level)}>`;
    case 'text':
      return `<p><strong>${escapeHtml(block.text)}</strong></p>`;
    case 'list':
      return htmlList(block.items);
    case 'table':
      return `<p class="soft">${escapeHtml(block.caption)}</p>
<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(block.caption)}">${tableHtml(block)}</div>`;
    case 'pictures':
      return `<h${String(level + 1)}>${escapeHtml(block.title)}</h${String(level + 1)}>
${block.pictures.map(pictureHtml).join('\n')}`;
    case 'plots': {
      const deeper = String(level + 1);
      const legends = `${linesLegend(block.legend)}${block.marks === undefined ? '' : marksLegend(block.marks)}`;
      return `<h${deeper}>${escapeHtml(block.title)}</h${deeper}>
${legends.includes('<li>') ? legends : ''}<div class="plots">${block.plots.map(figureHtml).join('')}</div>`;
    }
  }
}

function pictureHtml({ title, label, source, width, height }: Picture): string {
  return `<figure class="picture"><figcaption>${escapeHtml(title)}</figcaption><img src="${source}" width="${String(width)}" height="${String(height)}" alt="${escapeHtml(label)}"></figure>`;
}

function tableHtml({ caption, head, rows }: TableBlock): string {
  const columns = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const body = rows.map(({ cells, strong, idle }) => {
    const [first = '', ...others] = cells;
    const name = typeof first === 'string' ? first : first.text;
    const row = others.map((cell, index) => cellHtml(head[index + 1] ?? '', cell)).join('');
    const classes = [strong === true ? 'plus' : '', idle === true ? 'idle' : ''].join(' ').trim();
    return `<tr class="${classes}"><th scope="row">${escapeHtml(name)}</th>${row}</tr>`;
  });
  return `<table class="rows"><caption>${escapeHtml(caption)}</caption><thead><tr>${columns}</tr></thead><tbody>
${body.join('\n')}
</tbody></table>`;
}

function cellHtml(label: string, cell: string | Cell): string {
  if (typeof cell === 'string') return tableCell(label, cell);
  const { text, below = [], tone } = cell;
  if (tone === undefined) return tableCell(label, text, ...below);
  const small = below.map((line) => `<small>${escapeHtml(line)}</small>`).join('');
  return `<td data-label="${escapeHtml(label)}"><span><span class="verdict ${tones[tone]}">${escapeHtml(text)}</span>${small}</span></td>`;
}
