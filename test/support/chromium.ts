import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { chmod } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { extract } from 'tar';
import { cacheRoot, withCacheLock } from '../../lib/engine/cache';
import { fontFolder } from '../../lib/report/pictures/font';
import { skipBecause } from './skip';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Where it lies when it is not on the PATH. */
const places = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The browser that this system has, or null; `CHROMIUM` names another. */
export function systemChromium(): string | null {
  const named = process.env['CHROMIUM'];
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named;
    throw new Error(`CHROMIUM names a browser that is not there: ${named}`);
  }
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return [...found, ...places].find((path) => existsSync(path)) ?? null;
}

/** What playwright starts a browser with. */
interface Program {
  readonly executablePath: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The browser of @sparticuz/chromium with the libraries that it needs, unpacked into the user's cache. */
async function packagedChromium(): Promise<Program> {
  const packed = join(dirname(require.resolve('@sparticuz/chromium')), '..', '..');
  const manifest = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const folder = join(cacheRoot(), `chromium-${manifest.version}`);
  const executablePath = join(folder, 'chromium');
  mkdirSync(cacheRoot(), { recursive: true });
  await withCacheLock(folder, undefined, async () => {
    if (existsSync(executablePath)) return;
    const fresh = `${folder}-new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    const part = (name: string, into: NodeJS.WritableStream): Promise<void> =>
      pipeline(createReadStream(join(packed, 'bin', name)), createBrotliDecompress(), into);
    await part('al2023.tar.br', extract({ cwd: fresh }));
    // The same letters wherever it runs, also on a machine that has no fonts.
    writeFileSync(
      join(fresh, 'fonts.conf'),
      `<fontconfig><dir>${fontFolder()}</dir><cachedir>${join(folder, 'fonts')}</cachedir></fontconfig>`,
    );
    await part('chromium.br', createWriteStream(join(fresh, 'chromium')));
    await chmod(join(fresh, 'chromium'), 0o755);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  });
  const environment = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const env = {
    ...Object.fromEntries(environment),
    LD_LIBRARY_PATH: join(folder, 'lib'),
    FONTCONFIG_FILE: join(folder, 'fonts.conf'),
  };
  return { executablePath, env };
}

/**
 * Starts the system's browser, or, where it has none, the one that `npm ci` brought. Where neither can be
 * had the tests of the suite whose hook this is are skipped, with the reason.
 */
export async function startChromium(context: Mocha.Context): Promise<Browser> {
  const system = systemChromium();
  if (system === null && `${process.platform} ${process.arch}` !== 'linux x64') {
    return skipBecause(
      context,
      'no chromium was found, and the one of npm is for Linux on x86-64. CHROMIUM=PROGRAM npm test names one',
    );
  }
  const program = system === null ? await packagedChromium() : { executablePath: system };
  try {
    return await chromium.launch({ ...program, args: ['--no-sandbox', '--disable-gpu'] });
  } catch (error) {
    // A browser of the system's that does not start is a fault to be seen.
    if (system !== null) throw error;
    const [first = ''] = String(error).split('\n');
    return skipBecause(
      context,
      `no chromium was found, and the one of npm does not start: ${first}`,
    );
  }
}
