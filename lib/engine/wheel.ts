import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { engineError, fileError } from '../errors';
import { errorCode, fullDisk, hashFile, writeFault } from '../files';
import { folderBytes } from './cache';
import { programFault, runProgram } from './program';
import type { WheelPin } from './versions';

/**
 * Unpacks the entries of a zip archive (a Python wheel is one) that `wanted` accepts, as streams.
 * `onBytes` hears the number of unpacked bytes so far. Returns the names of the files written.
 *
 * @throws LabError of kind `file` for an archive that is damaged, names a file outside of `folder`,
 *   or does not fit on the disk.
 */
export async function extractWheel(
  archive: string,
  folder: string,
  wanted: (name: string) => boolean,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<string[]> {
  const written: string[] = [];
  let bytes = 0;
  const counter = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        onBytes(bytes);
        done(null, chunk);
      },
    });
  try {
    // yauzl itself refuses names with '..', absolute ones and, being strict, ones with backslashes.
    const zip = await openPromise(archive, { lazyEntries: true, strictFileNames: true });
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) continue;
      const path = join(folder, entry.fileName);
      await mkdir(dirname(path), { recursive: true });
      // The upper half holds the Unix mode; of it only "may be executed" matters (ptxas).
      const mode = ((entry.externalFileAttributes >>> 16) & 0o100) === 0 ? 0o644 : 0o755;
      const file = createWriteStream(path, { mode });
      await pipeline(await zip.openReadStreamPromise(entry), counter(), file);
      written.push(entry.fileName);
    }
  } catch (error) {
    if (fullDisk(errorCode(error)) !== undefined) throw writeFault(folder, error);
    throw fileError.because(
      error,
    )`an archive cannot be unpacked (${archive}): found ${error instanceof Error ? error.message : String(error)}. Run the same command again: the archive is fetched anew`;
  }
  return written;
}

const pollInterval = 500;
const workingPrefix = 'pip-';

/** The arguments with which pip fetches exactly the pinned file, whatever Python runs it. */
function pipArguments(pin: WheelPin, requirements: string, folder: string): string[] {
  return [
    ...['-m', 'pip', 'download', '--no-deps', '--require-hashes', '--only-binary=:all:'],
    ...['--python-version', pin.pythonVersion, '--implementation', 'cp', '--abi', pin.abi],
    ...['--platform', pin.platform, '--progress-bar', 'off', '--no-cache-dir'],
    ...['--disable-pip-version-check', '--no-input'],
    ...['--dest', folder, '--requirement', requirements],
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
      throw engineError`pip did not deliver the pinned ${pin.distribution} ${pin.version} (${folder}): found ${found}. Check the index that pip is set to use (pip config list)`;
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
