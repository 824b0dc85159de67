import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Where it lies when it is not on the PATH. */
const places = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The browser that this system has, or null; `CHROMIUM` names another. */
export function systemChromium(): string | null {
  const named = process.env['CHROMIUM'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : null;
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return [...found, ...places].find((path) => existsSync(path)) ?? null;
}

/**
 * Starts the system's browser. A page can only be looked at in one, so a test without it fails and says
 * what to install: it would otherwise pass without having looked.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = systemChromium();
  if (executablePath === null) {
    throw new Error(
      'no chromium was found, in which this test opens a page. Install it (Debian and Ubuntu: apt-get install chromium), ' +
        'name one (CHROMIUM=PROGRAM npm test), or leave these tests out: npm test -- --invert --grep "in a browser"',
    );
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}
