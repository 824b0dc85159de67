import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, type Font } from 'opentype.js';

const files = { regular: 'DejaVuSans.ttf', bold: 'DejaVuSans-Bold.ttf' };

const fonts = new Map<keyof typeof files, Font>();
let installed = false;

/**
 * Makes the pictures' own fonts the only ones that the drawing of text in this process finds, so that a
 * plot looks the same on every machine, also on one that has none. To be called before any text is drawn.
 */
export function installFonts(): void {
  if (installed) return;
  installed = true;
  const folder = mkdtempSync(join(tmpdir(), 'norm-direction-fonts-'));
  const configuration = join(folder, 'fonts.conf');
  writeFileSync(
    configuration,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>${fontFolder()}</dir>
<cachedir>${folder}</cachedir>
</fontconfig>
`,
  );
  process.env['FONTCONFIG_FILE'] = configuration;
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
}

/** Width of a line of text in pixels, at a size in pixels. */
export function textWidth(text: string, size: number, isBold = false): number {
  const used = font(isBold ? 'bold' : 'regular');
  const advances = [...text].map((character) => used.charToGlyph(character).advanceWidth ?? 0);
  return (advances.reduce((sum, advance) => sum + advance, 0) * size) / used.unitsPerEm;
}

function font(style: keyof typeof files): Font {
  const known = fonts.get(style);
  if (known !== undefined) return known;
  const { buffer, byteOffset, byteLength } = readFileSync(join(fontFolder(), files[style]));
  const loaded = parse(buffer.slice(byteOffset, byteOffset + byteLength));
  fonts.set(style, loaded);
  return loaded;
}

function fontFolder(): string {
  const manifest = createRequire(__filename).resolve('dejavu-fonts-ttf/package.json');
  return join(dirname(manifest), 'ttf');
}
