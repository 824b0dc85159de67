import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeClassMeans } from '../../lib/distill/class-means';
import type { Run } from '../../lib/runs/store';
import { featureNormsOfClassMeans, featureNormsOfRuns } from '../../lib/runs/feature-norms';
import { madeUpConfig, madeUpMetrics, madeUpProvenance } from '../support/made-up-runs';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('the norms of features', () => {
  const folder = withFolder();
  const write = (name: string, text: string): string => {
    const file = join(folder(), name);
    writeFileSync(file, text);
    return file;
  };

  it('are read from published class means, in whatever order their classes stand', () => {
    const file = write('resnet56.json', '{"1": [0, 5, 12], "0": [3, 4, 0], "2": [0, 0, 6]}');
    expect(featureNormsOfClassMeans(file)).to.deep.equal({
      model: 'resnet56',
      of: 'class means',
      source: 'resnet56.json',
      mean: (5 + 13 + 6) / 3,
      lowest: 5,
      highest: 13,
      dimension: 3,
      parameters: null,
      top1: null,
    });
  });

  const faults: [string, string][] = [
    ['a list', '[1, 2]'],
    ['a class that is no number', '{"cat": [1]}'],
    ['a class without numbers', '{"0": []}'],
    ['classes of different lengths', '{"0": [1, 2], "1": [1]}'],
    ['a class left out', '{"0": [1], "2": [1]}'],
    ['no classes', '{}'],
  ];
  for (const [title, text] of faults) {
    it(`are refused of ${title}`, async () => {
      const file = write('means.json', text);
      const { kind, where } = await faultOf(() => featureNormsOfClassMeans(file));
      expect(kind).to.equal('file');
      expect(where).to.equal(file);
    });
  }

  it('of runs are those of the last epoch, small networks first, with their class means', () => {
    const run = (name: string, parameters: number, norms: readonly number[]): Run => {
      const directory = join(folder(), name);
      mkdirSync(directory);
      return {
        directory,
        config: madeUpConfig({ pair: name, student: name, method: 'teacher', seed: 0 }),
        metrics: norms.map((studentNorm, index) => ({
          ...madeUpMetrics(index + 1, 40 + index),
          studentNorm,
        })),
        provenance: madeUpProvenance({ parameters }),
        problems: [],
      };
    };
    const large = run('resnet20', 278324, [9, 11]);
    writeClassMeans(join(large.directory, 'class-means.safetensors'), {
      means: Float32Array.of(3, 4, 0, 7),
      classes: 2,
      dimension: 2,
      teacherHash: 'teacher',
      datasetHash: 'data',
      augmented: true,
    });
    const rows = featureNormsOfRuns([large, run('resnet8', 83892, [7]), run('resnet14', 1, [])]);
    expect(
      rows.map(({ model, of, mean, parameters, top1 }) => [model, of, mean, parameters, top1]),
    ).to.eql([
      ['resnet8', 'test features', 7, 83892, 40],
      ['resnet20', 'test features', 11, 278324, 41],
      ['resnet20', 'class means', 6, 278324, 41],
    ]);
    expect(rows[2]).to.include({ lowest: 5, highest: 7, source: 'resnet20 teacher, seed 0' });
  });
});
