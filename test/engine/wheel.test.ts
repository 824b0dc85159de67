import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { spaceNeeded, type WheelPin, wheelsFor } from '../../lib/engine/versions';
import { fetchWheel } from '../../lib/engine/wheel';
import { LabError } from '../../lib/errors';
import { sha256 } from '../../lib/files';
import { withFolder } from '../support/folder';
import { type Fault, partsOf } from '../support/faults';

const content = 'the pinned wheel';

const pin: WheelPin = {
  distribution: 'made-up',
  version: '1.2.3',
  pythonVersion: '3.11',
  abi: 'cp311',
  platform: 'manylinux_2_27_x86_64',
  sha256: sha256(content),
  bytes: content.length,
  unpackedBytes: 0,
};

describe('fetchWheel', () => {
  const folder = withFolder();
  const downloads = (): string => join(folder(), 'downloads');

  /** A stand-in for Python: `$dest` is pip's destination, `$requirements` its file. */
  function python(script: string): string {
    const path = join(folder(), 'python');
    writeFileSync(
      path,
      `#!/bin/sh
echo "$@" > "${folder()}/arguments"
while [ $# -gt 0 ]; do
  case "$1" in --dest) dest="$2" ;; --requirement) requirements="$2" ;; esac
  shift
done
${script}
`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  async function faultOf(work: Promise<unknown>): Promise<Fault> {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(LabError);
    return partsOf(error as LabError);
  }

  it('asks pip for one file by hash, whatever Python runs it', async () => {
    const program = python(
      `cp "$requirements" "${folder()}/requirements"; printf '%s' '${content}' > "$dest/made_up.whl"`,
    );
    const path = await fetchWheel(pin, program, downloads());
    expect(readFileSync(path, 'utf8')).to.equal(content);
    expect(readdirSync(downloads())).to.have.length(1);
    expect(readFileSync(join(folder(), 'requirements'), 'utf8')).to.equal(
      `made-up==1.2.3 --hash=sha256:${pin.sha256}\n`,
    );
    const said = readFileSync(join(folder(), 'arguments'), 'utf8');
    for (const part of [
      '-m pip download --no-deps --require-hashes --only-binary=:all:',
      '--python-version 3.11 --implementation cp --abi cp311',
      '--platform manylinux_2_27_x86_64',
    ]) {
      expect(said).to.include(part);
    }
  });

  it('refuses a file with another hash and keeps nothing of it', async () => {
    const program = python(`printf 'something else' > "$dest/made_up.whl"`);
    const error = await faultOf(fetchWheel(pin, program, downloads()));
    expect(error.found).to.equal(sha256('something else'));
    expect(readdirSync(downloads())).to.deep.equal([]);
  });

  it("passes on pip's own words when it fails", async () => {
    const program = python(`echo 'ERROR: no route to the index' >&2; exit 1`);
    const error = await faultOf(fetchWheel(pin, program, downloads()));
    expect(error.kind).to.equal('engine');
    expect(error.message).to.include('ERROR: no route to the index');
    expect(readdirSync(downloads())).to.deep.equal([]);
  });

  it('uses what an interrupted build left when it is whole, and clears the rest', async () => {
    const failing = python('exit 1');
    mkdirSync(join(downloads(), 'pip-left'), { recursive: true });
    writeFileSync(join(downloads(), `${pin.sha256}.whl`), content.slice(0, 5));
    await faultOf(fetchWheel(pin, failing, downloads()));
    expect(existsSync(join(downloads(), 'pip-left'))).to.equal(false);

    writeFileSync(join(downloads(), `${pin.sha256}.whl`), content);
    expect(readFileSync(await fetchWheel(pin, failing, downloads()), 'utf8')).to.equal(content);
  });
});

describe('the pinned wheels', () => {
  it('exist for Linux on x64 and arm64, with CUDA on x64 only', () => {
    expect(wheelsFor('cpu', 'linux', 'x64')?.map((wheel) => wheel.distribution)).to.deep.equal([
      'tensorflow-cpu',
    ]);
    expect(wheelsFor('cpu', 'linux', 'arm64')?.[0]?.platform).to.match(/aarch64$/);
    expect(wheelsFor('gpu', 'linux', 'x64')).to.have.length(13);
    expect(wheelsFor('gpu', 'linux', 'arm64')).to.equal(undefined);
    expect(wheelsFor('cpu', 'darwin', 'arm64')).to.equal(undefined);
  });

  it('carry a whole SHA-256 each, and no two the same', () => {
    const all = (['cpu', 'gpu'] as const).flatMap(
      (device) => wheelsFor(device, 'linux', 'x64') ?? [],
    );
    for (const wheel of all) expect(wheel.sha256).to.match(/^[0-9a-f]{64}$/);
    expect(new Set(all.map((wheel) => wheel.sha256)).size).to.equal(all.length);
  });

  it('need room for themselves, their content and a second copy of the largest', () => {
    const wheels = [
      { ...pin, bytes: 10, unpackedBytes: 100 },
      { ...pin, bytes: 20, unpackedBytes: 200 },
    ];
    expect(spaceNeeded(wheels)).to.equal(10 + 20 + 100 + 200 + 20);
  });
});
