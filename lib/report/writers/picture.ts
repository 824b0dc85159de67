import type { DrawnDocument, Figure, PlotsBlock } from '../document';
import { textWidth, type TextLook } from '../pictures/font';
import { ink, softInk } from '../plots/style';
import { escapeHtml } from './escape-html';

/** Room at the edges. */
const margin = 16;
const titleLook: TextLook = { size: 18, isBold: true };
const plotTitleLook: TextLook = { size: 14 };
const noteGap = 8;
/** Of a line of text, by its size. */
const leading = 1.3;

/** The pictures of a document that are files, each by its name below the results directory. */
export function pictureFiles({ parts }: DrawnDocument): [file: string, svg: string][] {
  return parts
    .flatMap(({ blocks }) => blocks)
    .flatMap((block) =>
      block.kind === 'plots' && block.file !== undefined
        ? [[`${block.file}.svg`, renderPicture(block)]]
        : [],
    );
}

/** Plots beside each other under their sentence, as a picture that stands by itself. */
export function renderPicture({ title, note = '', plots }: PlotsBlock<Figure>): string {
  const sizes = plots.map(({ svg }) => sizeOf(svg));
  const width = sizes.reduce((sum, size) => sum + size.width, 0);
  const heading = linesOf(title, width - 2 * margin, titleLook);
  const headings = plots.map((plot, index) =>
    linesOf(plot.title, (sizes[index]?.width ?? 0) - 2 * margin, plotTitleLook),
  );
  const noted = linesOf(note, width - 2 * margin, plotTitleLook).filter((line) => line !== '');
  const under = margin + textHeight(heading, titleLook);
  const below = under + (noted.length === 0 ? 0 : textHeight(noted, plotTitleLook) + noteGap);
  const top = below + Math.max(...headings.map((lines) => textHeight(lines, plotTitleLook)));
  const height = top + Math.max(...sizes.map((size) => size.height));
  let left = 0;
  const drawn = plots.map(({ svg }, index) => {
    const own = textAt(headings[index] ?? [], left + margin, below, plotTitleLook, softInk);
    // A drawing within a drawing keeps its own size; only its place is new.
    const nested = svg.replace('<svg', `<svg x="${String(left)}" y="${String(top)}"`);
    left += sizes[index]?.width ?? 0;
    return `${own}\n${nested}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${String(width)}" height="${String(height)}" viewBox="0 0 ${String(width)} ${String(height)}" font-family="system-ui, DejaVu Sans, Helvetica, Arial, sans-serif"><title>${escapeHtml([`${title}.`, ...plots.map(({ label }) => label)].join(' '))}</title><rect width="${String(width)}" height="${String(height)}" fill="white"/>
${textAt(heading, margin, margin, titleLook, ink)}
${textAt(noted, margin, under, plotTitleLook, softInk)}
${drawn.join('\n')}
</svg>
`;
}

function sizeOf(svg: string): { width: number; height: number } {
  const [, width = 0, height = 0] = / width="(\d+)[^>]* height="(\d+)/u.exec(svg) ?? [];
  return { width: Number(width), height: Number(height) };
}

/** A text in lines of at most some pixels, broken between words. */
export function linesOf(text: string, width: number, look: TextLook): string[] {
  const lines: string[] = [];
  // Numbers keep together what belongs to them.
  const whole = text.replace(/(?<=[\d%…=]) |(?<![,;:]) (?=[\d%…=])/gu, '\u00a0');
  for (const word of whole.split(' ')) {
    const longer = [...lines.slice(-1), word].join(' ');
    if (lines.length > 0 && textWidth(longer, look) <= width) lines.splice(-1, 1, longer);
    else lines.push(word);
  }
  return lines;
}

function textHeight(lines: readonly string[], { size }: TextLook): number {
  return Math.ceil(lines.length * leading * size);
}

/** @param y of the upper edge */
function textAt(
  lines: readonly string[],
  x: number,
  y: number,
  { size, isBold = false }: TextLook,
  color: string,
): string {
  return lines
    .map(
      (line, index) =>
        `<text x="${String(x)}" y="${String(Math.round(y + (index + 0.8) * leading * size))}" font-size="${String(size)}"${isBold ? ' font-weight="600"' : ''} fill="${color}">${escapeHtml(line)}</text>`,
    )
    .join('');
}
