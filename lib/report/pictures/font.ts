import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Font, parse } from 'opentype.js';

const files = { regular: 'DejaVuSans.ttf', bold: 'DejaVuSans-Bold.ttf' };

const fonts = new Map<keyof typeof files, Font>();

/** How a line of text looks. */
export interface TextLook {
  /** In pixels. */
  readonly size: number;
  readonly isBold?: boolean;
}

/** Width of a line of text in pixels. */
export function textWidth(text: string, { size, isBold = false }: TextLook): number {
  const used = font(isBold ? 'bold' : 'regular');
  const advances = [...text].map((character) => used.charToGlyph(character).advanceWidth ?? 0);
  return (advances.reduce((sum, advance) => sum + advance, 0) * size) / used.unitsPerEm;
}

/**
 * A line of text as the data of an SVG path: the same picture on every machine, also on one that has no
 * fonts.
 *
 * @param x left edge of the first letter
 * @param y of the line that letters stand on
 */
export function textOutline(
  text: string,
  x: number,
  y: number,
  { size, isBold = false }: TextLook,
): string {
  const used = font(isBold ? 'bold' : 'regular');
  let at = x;
  // Letter by letter: to replace pairs of letters, opentype.js would need more of this font than it reads.
  return [...text]
    .map((character) => {
      const glyph = used.charToGlyph(character);
      const outline = glyph.getPath(at, y, size).toPathData(1);
      at += ((glyph.advanceWidth ?? 0) * size) / used.unitsPerEm;
      return outline;
    })
    .join('');
}

/** Where the fonts of pictures and plots lie. */
export function fontFolder(): string {
  return join(dirname(createRequire(__filename).resolve('dejavu-fonts-ttf/package.json')), 'ttf');
}

function font(style: keyof typeof files): Font {
  const known = fonts.get(style);
  if (known !== undefined) return known;
  const { buffer, byteOffset, byteLength } = readFileSync(join(fontFolder(), files[style]));
  const loaded = parse(buffer.slice(byteOffset, byteOffset + byteLength));
  fonts.set(style, loaded);
  return loaded;
}
