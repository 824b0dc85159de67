import { expect } from 'chai';
import { chooseEngine } from '../../lib/engine/load';
import { LabError } from '../../lib/errors';

describe('chooseEngine', () => {
  it('leaves open what nobody asked for', () => {
    expect(chooseEngine({}, {})).to.deep.equal({ engine: undefined, device: undefined });
  });

  it('takes options before the environment', () => {
    const environment = { NORM_DIRECTION_LAB_ENGINE: 'plain', NORM_DIRECTION_LAB_DEVICE: 'cpu' };
    expect(chooseEngine({}, environment)).to.deep.equal({ engine: 'plain', device: 'cpu' });
    expect(chooseEngine({ engine: 'native', device: 'gpu' }, environment)).to.deep.equal({
      engine: 'native',
      device: 'gpu',
    });
  });

  it('refuses other values, naming the variable and the nearest known one', () => {
    expect(() => chooseEngine({}, { NORM_DIRECTION_LAB_ENGINE: 'nativ' })).to.throw(
      LabError,
      /'nativ' \(NORM_DIRECTION_LAB_ENGINE\).*Did you mean 'native'\?/,
    );
    expect(() => chooseEngine({}, { NORM_DIRECTION_LAB_DEVICE: 'tpu' })).to.throw(
      LabError,
      /'tpu' \(NORM_DIRECTION_LAB_DEVICE\)/,
    );
  });

  it('leaves the path to the device, or takes the GPU’s, and refuses another', () => {
    for (const path of [undefined, '', 'gpu']) {
      expect(chooseEngine({}, { NORM_DIRECTION_LAB_PATH: path }).device).to.equal(undefined);
    }
    expect(() => chooseEngine({}, { NORM_DIRECTION_LAB_PATH: 'cuda' })).to.throw(
      LabError,
      /'cuda' \(NORM_DIRECTION_LAB_PATH\).*gpu/,
    );
  });

  it('refuses a GPU on the plain engine', () => {
    expect(() => chooseEngine({ engine: 'plain' }, { NORM_DIRECTION_LAB_DEVICE: 'gpu' })).to.throw(
      LabError,
      /plain engine cannot use a GPU/,
    );
  });
});
