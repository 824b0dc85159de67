import { join } from 'node:path';
import { expect } from 'chai';
import { createModel } from '../../lib/models/registry';
import { modelsChecker } from '../../lib/verify/models';
import { withEngine } from '../support/engine';

// Made by a PyTorch definition of these networks that was written for this test, not taken from anywhere.
const reference = join(__dirname, '..', 'fixtures', 'vgg', 'models-cifar.json');

describe('vgg8 and vgg13', () => {
  withEngine('native');

  const names = ['vgg8, forward and back', 'vgg13, forward', 'vgg8 on images of 64 × 64'];
  modelsChecker('models-cifar.json')
    .cases(reference)
    .forEach(({ run }, index) => {
      it(`agree with PyTorch: ${names[index]}`, async () => {
        expect((await run()).mismatches).to.deep.equal([]);
      });
    });

  it('have a bias before each norm and PyTorch’s numbering, with three places a unit', () => {
    const model = createModel('vgg13', { classes: 100 });
    const convolutions = [...model.stateDict()].filter(([, { shape }]) => shape.length === 4);
    expect(convolutions.map(([name, { shape }]) => `${name} ${shape.join()}`)).to.deep.equal([
      'block0.0.weight 64,3,3,3',
      'block0.3.weight 64,64,3,3',
      'block1.0.weight 128,64,3,3',
      'block1.3.weight 128,128,3,3',
      'block2.0.weight 256,128,3,3',
      'block2.3.weight 256,256,3,3',
      'block3.0.weight 512,256,3,3',
      'block3.3.weight 512,512,3,3',
      'block4.0.weight 512,512,3,3',
      'block4.3.weight 512,512,3,3',
    ]);
    const bias = model.stateDict().get('block4.3.bias');
    expect(bias?.shape).to.deep.equal([512]);
    expect(bias?.data.every((value) => value === 0)).to.equal(true);
    model.dispose();
  });
});
