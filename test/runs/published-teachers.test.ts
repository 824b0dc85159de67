import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { FetchedTeacher } from '../../lib/data/teachers';
import { encodePth } from '../../lib/formats/pth-writer';
import { createModel, type ModelName } from '../../lib/models/registry';
import type { StateDict } from '../../lib/nn/state';
import {
  measureTeacher,
  paperTeacherTop1,
  teacherWarning,
} from '../../lib/runs/published-teachers';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

describe('a teacher beside the paper’s', () => {
  it('has the number that the table prints of it, where it prints one', () => {
    const names = ['resnet56', 'wrn_40_2', 'resnet32x4', 'ResNet50', 'vgg13', 'resnet110'];
    expect(names.map(paperTeacherTop1)).to.deep.equal([72.34, 75.61, 79.42, 79.34, null, null]);
  });

  it('is warned of when it is more than 0.3 points away, in either direction', () => {
    const warning = (top1: number, name = 'resnet56', dataset = 'cifar100'): string | undefined =>
      teacherWarning({ name, top1, dataset });
    for (const top1 of [72.34, 72.04, 72.64]) expect(warning(top1)).to.equal(undefined);
    expect(warning(72.03)).to.contain("72.03 % here, the paper's has 72.34 % (−0.31)");
    expect(warning(72.65)).to.contain('(+0.31)');
    expect(warning(10, 'vgg13')).to.equal(undefined);
    expect(warning(10, 'resnet56', 'fashion-mnist')).to.equal(undefined);
  });
});

describe('measuring a published teacher', () => {
  withEngine('native');
  const folder = withFolder();

  function teacherWith(weightsOf: ModelName, changes: StateDict = new Map()): FetchedTeacher {
    const model = createModel(weightsOf, { classes: 100, seed: 1 });
    const file = join(folder(), 'ckpt_epoch_240.pth');
    writeFileSync(file, encodePth(new Map([...model.stateDict(), ...changes])));
    model.dispose();
    return { name: 'resnet56', file, sha256: '', asReported: null };
  }

  it('loads it, tells its accuracy and warns of one that is not the paper’s', async () => {
    const { test, ...rest } = smallDataset({ classes: 100, perClass: 1 });
    // Of 300 images in batches of 250 and 50, the last 30 are of class 7, which it always puts before class 8.
    const labels = Int32Array.from({ length: 300 }, (_, at) => (at < 270 ? 8 : 7));
    const images = test.images.subarray(0, 300 * 8 * 8 * 3);
    const dataset = { ...rest, name: 'cifar100', test: { images, labels, count: 300 } };
    const seesClass7 = teacherWith(
      'resnet56',
      new Map([
        ['fc.weight', { shape: [100, 64], data: new Float32Array(6400) }],
        [
          'fc.bias',
          {
            shape: [100],
            data: Float32Array.from({ length: 100 }, (_, k) => (k === 7 ? 2 : +(k === 8))),
          },
        ],
      ]),
    );
    const seen: number[] = [];
    const measured = await measureTeacher(seesClass7, dataset, ({ done }) => seen.push(done));
    expect(measured).to.include({ top1: 10, paper: 72.34, fault: null });
    expect(measured.warning)
      .to.contain('it is another teacher than the paper’s')
      .and.contain('(−62.34)');
    expect(seen).to.deep.equal([250, 300]);
  });

  it('loads it alone where there are no images', async () => {
    expect(await measureTeacher(teacherWith('resnet56'), undefined)).to.include({
      top1: null,
      warning: null,
      fault: null,
    });
  });

  it('says what is wrong with weights that are not its own', async () => {
    const { fault, top1 } = await measureTeacher(teacherWith('resnet20'), undefined);
    expect(fault).to.contain("no 'layer1.3.conv1.weight'");
    expect(top1).to.equal(null);
  });
});
