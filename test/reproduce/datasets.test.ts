import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { datasetName, loadDataset } from '../../lib/data/registry';
import { cifar100Spec } from '../../lib/data/cifar-source';
import { registerDatasets } from '../../reproduce/datasets';
import { withFolder } from '../support/folder';

/** One label of each kind, and 32 × 32 pixels in three planes. */
const recordBytes = 2 + 3 * 1024;

describe('the first twenty classes of CIFAR-100', function () {
  this.timeout(60_000);
  const folder = withFolder();

  it('are the first images of each, under their own name', async () => {
    const { binary, trainCount, testCount, classCount } = cifar100Spec;
    const place = join(folder(), binary.folder);
    mkdirSync(place);
    for (const [name, count] of [
      ['train.bin', trainCount],
      ['test.bin', testCount],
    ] as const) {
      const bytes = Buffer.alloc(count * recordBytes);
      for (let record = 0; record < count; record++) {
        // Classes in turn from the last to the first; the first pixel's red tells the round.
        bytes[record * recordBytes + 1] = classCount - 1 - (record % classCount);
        bytes[record * recordBytes + 2] = Math.floor(record / classCount) % 256;
      }
      writeFileSync(join(place, name), bytes);
    }
    const names = Array.from({ length: classCount }, (_, index) => `class ${index}`);
    writeFileSync(join(place, binary.names), `${names.join('\n')}\n`);

    registerDatasets();
    const { name, classes, train, test } = await loadDataset(datasetName('cifar100-first20'), {
      dataDir: folder(),
    });
    expect(name).to.equal('cifar100-first20');
    expect(classes).to.eql(names.slice(0, 20));
    expect([train.count, test.count]).to.eql([4000, 2000]);
    expect([...train.labels.subarray(0, 3), train.labels.at(-1)]).to.eql([19, 18, 17, 0]);
    // The last of 200 rounds, and of all 100 test rounds.
    const pixels = 3 * 1024;
    expect(train.images[(train.count - 1) * pixels]).to.equal(199);
    expect(test.images[(test.count - 1) * pixels]).to.equal(99);
  });
});
