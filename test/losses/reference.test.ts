import { join } from 'node:path';
import { expect } from 'chai';
import { lossesChecker } from '../../lib/verify/losses';
import { engines, withEngine } from '../support/engine';

const file = join(__dirname, '..', 'fixtures', 'reference', 'losses.json');

for (const engine of engines) {
  describe(`losses and gradients against PyTorch's (${engine})`, () => {
    withEngine(engine);

    for (const { name, run } of lossesChecker.cases(file)) {
      it(name, async () => {
        expect((await run()).mismatches).to.deep.equal([]);
      });
    }
  });
}
