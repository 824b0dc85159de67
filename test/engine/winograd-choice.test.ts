import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { operationOutputs } from '../../lib/engine/functions/function-definition';
import { startEngine } from '../../lib/engine/load';
import { winogradPasses } from '../../lib/engine/operations/winograd';
import { processorKind } from '../../lib/engine/processor';
import {
  fasterByWinograd,
  keptWinogradTimes,
  measureWinograd,
  type WinogradTimes,
} from '../../lib/engine/winograd-choice';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

const times: WinogradTimes = {
  forward: { winograd: 2, oneDnn: 3 },
  input: { winograd: 3, oneDnn: 3 },
  weights: { winograd: 4, oneDnn: 3 },
};

describe('the choice between Winograd’s products and oneDNN', () => {
  const folder = withFolder();
  let measurements = 0;
  const measure = (): WinogradTimes => {
    measurements++;
    return times;
  };
  beforeEach(() => void (measurements = 0));

  const engineIn = (name: string): { binding: string } => {
    mkdirSync(join(folder(), name), { recursive: true });
    return { binding: join(folder(), name, 'binding.node') };
  };

  it('takes for each pass what is no slower', () => {
    expect(fasterByWinograd(times)).to.deep.equal(['forward', 'input']);
  });

  it('is measured once for an engine on a processor, and kept', async () => {
    expect(await keptWinogradTimes(engineIn('one'), measure)).to.deep.equal(times);
    expect(await keptWinogradTimes(engineIn('one'), measure)).to.deep.equal(times);
    expect(measurements).to.equal(1);
    await keptWinogradTimes(engineIn('other'), measure);
    expect(measurements).to.equal(2);
  });

  it('is measured anew where what was kept is damaged', async () => {
    const engine = engineIn('damaged');
    await keptWinogradTimes(engine, measure);
    const before = measurements;
    for (const entry of readdirSync(folder()).filter((name) => name.startsWith('convolutions-'))) {
      writeFileSync(join(folder(), entry, 'times.json'), '{"forward":');
    }
    expect(await keptWinogradTimes(engine, measure)).to.deep.equal(times);
    expect(measurements).to.equal(before + 1);
  });

  it('says where it cannot be kept, and measures nothing', async () => {
    // A file in the place of the folder: nobody can write there.
    const file = join(folder(), 'a-file');
    writeFileSync(file, '');
    const said: string[] = [];
    const engine = { binding: join(file, 'engine', 'binding.node') };
    const found = await keptWinogradTimes(engine, measure, (line) => said.push(line));
    expect([found, measurements]).to.deep.equal([undefined, 0]);
    expect(said.join()).to.match(/^note: which convolutions are the fastest here cannot be kept/);
  });

  it('tells processors of one name apart by what they can', () => {
    const wide = processorKind('processor : 0\nflags\t\t: fpu avx2 avx512f\n');
    expect(processorKind('flags\t\t: fpu avx2 avx512f\nbogomips : 2\n')).to.equal(wide);
    expect(processorKind('flags\t\t: fpu avx2\n')).not.to.equal(wide);
  });
});

describe('the times of convolutions here', () => {
  withEngine('native');

  before(function () {
    if (!operationOutputs().has('NormDirectionWinograd')) this.skip();
  });

  it('are measured for both ways of each pass, and the engine says what it chose', async () => {
    const found = measureWinograd();
    for (const { winograd, oneDnn } of Object.values(found)) {
      expect(winograd).to.be.above(0);
      expect(oneDnn).to.be.above(0);
    }
    const { winograd } = await startEngine({ engine: 'native' });
    expect(winogradPasses()).to.include.members([...(winograd ?? ['none'])]);
    expect(Object.keys(found)).to.have.members(winogradPasses());
  });
});
