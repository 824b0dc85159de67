import { join } from 'node:path';
import { expect } from 'chai';
import { readDetectorClassMeans, writeDetectorClassMeans } from '../../lib/runs/detection-teacher';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('a file of a detector’s class means', () => {
  const folder = withFolder();
  const about = { teacherHash: 'a'.repeat(64), datasetHash: 'b'.repeat(64), iterations: 50 };
  /** Two classes and background, of two numbers each. */
  const stored = {
    means: Float32Array.of(1, 2, 3, 4, 5, 6),
    counts: Int32Array.of(7, 0, 90),
    ...about,
  };
  const written = (): string => {
    const path = join(folder(), 'means.safetensors');
    writeDetectorClassMeans(path, stored);
    return path;
  };

  it('comes back as it was written, a class a row', () => {
    const path = written();
    expect(readDetectorClassMeans(path, about)).to.deep.equal(stored);
    expect(readSafetensors(path).tensors.get('means')?.shape).to.deep.equal([3, 2]);
  });

  for (const [other, name, found] of [
    [{ teacherHash: 'c'.repeat(64) }, 'teacher', 'a'.repeat(12)],
    [{ datasetHash: 'a'.repeat(64) }, 'data set', 'b'.repeat(12)],
    [{ iterations: 51 }, 'number of iterations', '50'],
  ] as const) {
    it(`is refused when it is of another ${name}`, async () => {
      const path = written();
      const fault = await faultOf(() => readDetectorClassMeans(path, { ...about, ...other }));
      expect(fault).to.include({ kind: 'file', what: `class means of another ${name}`, found });
      expect(fault.where).to.equal(path);
    });
  }

  it('is refused when it is another kind of file', async () => {
    const path = written();
    const { tensors, metadata } = readSafetensors(path);
    writeSafetensors(path, tensors, { ...metadata, kind: 'class means' });
    const fault = await faultOf(() => readDetectorClassMeans(path, about));
    expect(fault.found).to.equal('another kind of file');
  });
});
