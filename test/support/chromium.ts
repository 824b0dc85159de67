import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser that this system has, or null; `CHROMIUM` names another. */
export function systemChromium(): string | null {
  const named = process.env['CHROMIUM'];
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return (
    [...(named === undefined ? [] : [named]), ...found].find((path) => existsSync(path)) ?? null
  );
}
