import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { extractWheel } from '../../lib/engine/wheel';
import { LabError } from '../../lib/errors';
import { withFolder } from '../support/folder';
import { zipArchive, type ZipEntry } from '../support/zip';
import { type Fault, partsOf } from '../support/faults';

describe('extractWheel', () => {
  const folder = withFolder();

  function archive(entries: readonly ZipEntry[]): string {
    const path = join(folder(), 'made-up.whl');
    writeFileSync(path, zipArchive(entries));
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

  it('unpacks the wanted entries only, with folders and execute permission', async () => {
    const path = archive([
      { name: 'lib/one.so', content: 'first' },
      { name: 'lib/two.py', content: 'unwanted' },
      { name: 'bin/tool.so', content: 'run me', mode: 0o755 },
    ]);
    const heard: number[] = [];
    const names = await extractWheel(
      path,
      join(folder(), 'out'),
      (name) => name.endsWith('.so'),
      (bytes) => heard.push(bytes),
    );
    expect(names).to.deep.equal(['lib/one.so', 'bin/tool.so']);
    expect(readFileSync(join(folder(), 'out', 'lib', 'one.so'), 'utf8')).to.equal('first');
    expect(existsSync(join(folder(), 'out', 'lib', 'two.py'))).to.equal(false);
    expect(statSync(join(folder(), 'out', 'bin', 'tool.so')).mode & 0o111).to.not.equal(0);
    expect(statSync(join(folder(), 'out', 'lib', 'one.so')).mode & 0o111).to.equal(0);
    expect(heard).to.deep.equal(['first'.length, 'first'.length + 'run me'.length]);
  });

  for (const name of ['../outside.so', 'lib/../../outside.so', '/outside.so', '..\\outside.so']) {
    it(`refuses an entry named ${name} and writes nothing outside`, async () => {
      const path = archive([{ name, content: 'escaped' }]);
      const inner = join(folder(), 'a', 'out');
      const error = await faultOf(extractWheel(path, inner, () => true));
      expect(error.kind).to.equal('file');
      expect(error.message).to.include(path);
      for (const place of [dirname(inner), folder(), '/']) {
        expect(existsSync(join(place, 'outside.so'))).to.equal(false);
      }
    });
  }

  it('reports a truncated archive', async () => {
    const path = archive([{ name: 'lib/one.so', content: 'first' }]);
    writeFileSync(path, readFileSync(path).subarray(0, 40));
    const error = await faultOf(extractWheel(path, folder(), () => true));
    expect(error.what).to.equal('an archive cannot be unpacked');
  });
});
