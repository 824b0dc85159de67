import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors';
import { hashFile } from '../files';
import { folderBytes } from './cache';
import { programFault } from './build-tools';
import { runProgram } from './build-program';
import type { WheelPin } from './versions-wheels';

const pollInterval = 500;
const workingPrefix = 'pip-';

/** The arguments with which pip fetches exactly the pinned file, whatever Python runs it. */
export function pipArguments(pin: WheelPin, requirements: string, folder: string): string[] {
  return [
    ...['-m', 'pip', 'download', '--no-deps', '--require-hashes', '--only-binary=:all:'],
    ...['--python-version', pin.pythonVersion, '--implementation', 'cp', '--abi', pin.abi],
    ...['--platform', pin.platform, '--progress-bar', 'off', '--no-cache-dir'],
    ...[
      '--disable-pip-version-check',
      '--no-input',
      '--dest',
      folder,
      '--requirement',
      requirements,
    ],
  ];
}

/**
 * Fetches a wheel through the user's own pip (its mirrors, proxies and certificates apply) and
 * checks its SHA-256. A file that an interrupted build left in `folder` is used when it is right.
 * The folder is the caller's alone. Returns the wheel's path; `onBytes` hears how much of it has come.
 *
 * @throws LabError of kind `engine` with pip's own words when it fails.
 */
export async function fetchWheel(
  pin: WheelPin,
  python: string,
  folder: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<string> {
  const path = join(folder, `${pin.sha256}.whl`);
  if (existsSync(path) && (await hashFile(path)) === pin.sha256) return path;
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (name.startsWith(workingPrefix))
      await rm(join(folder, name), { recursive: true, force: true });
  }
  const working = await mkdtemp(join(folder, workingPrefix));
  const timer = setInterval(() => {
    onBytes(Math.min(pin.bytes, folderBytes(working)));
  }, pollInterval);
  try {
    await download(pin, python, working);
    const name = (await readdir(working)).find((file) => file.endsWith('.whl'));
    const found = name === undefined ? 'no file' : await hashFile(join(working, name));
    if (name === undefined || found !== pin.sha256) {
      throw new LabError({
        kind: 'engine',
        what: `pip did not deliver the pinned ${pin.distribution} ${pin.version}`,
        where: folder,
        found,
        remedy: 'Check the index that pip is set to use (pip config list)',
      });
    }
    await rename(join(working, name), path);
  } finally {
    clearInterval(timer);
    await rm(working, { recursive: true, force: true });
  }
  return path;
}

async function download(pin: WheelPin, python: string, working: string): Promise<void> {
  const requirements = join(working, 'requirements.txt');
  await writeFile(
    requirements,
    `${pin.distribution}==${pin.version} --hash=sha256:${pin.sha256}\n`,
  );
  const { status, stderr } = await runProgram(python, pipArguments(pin, requirements, working), {
    // pip's temporary copy lies beside the result, so that a crash leaves nothing elsewhere.
    env: { ...process.env, TMPDIR: working },
  });
  if (status === 0) return;
  throw programFault(
    `pip could not fetch ${pin.distribution} ${pin.version}`,
    `${python} -m pip download`,
    stderr,
    'Check the network and the settings of pip (pip config list), then run npm run engine',
  );
}
