import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fontFolder } from '../pictures/font';

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
