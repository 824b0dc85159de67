import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readJson } from '../../lib/files';
import { NotAvailable, type ReferenceCase } from '../../lib/verify/compare';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { checker, fixtures, itAgrees, quickModels, quickRuns } from '../support/reference-models';

interface ModelFixture {
  name: string;
  parameters: number;
  stateDict: [string, number[]][];
  embedding: number[];
  train: { loss: number; gradNorms: Record<string, number>; running: Record<string, number> };
}

function readModels(): { models: ModelFixture[] } {
  return readJson(join(fixtures, checker.entry), 'none') as { models: ModelFixture[] };
}

describe("the CIFAR networks against PyTorch's", () => {
  withEngine('native');
  itAgrees(quickModels());
});

describe("training runs against PyTorch's", () => {
  withEngine('native');
  itAgrees(quickRuns());
});

describe('checking models', () => {
  withEngine('native');
  const folder = withFolder();

  function tampered(change: (model: ModelFixture) => void): ReferenceCase {
    const reference = readModels();
    const model = reference.models.find(({ name }) => name === 'resnet8') ?? expect.fail('fixture');
    change(model);
    const path = join(folder(), checker.entry);
    writeFileSync(path, JSON.stringify({ models: [model] }));
    const [only] = checker.cases(path);
    return only ?? expect.fail('no case');
  }

  async function quantities(change: (model: ModelFixture) => void): Promise<string[]> {
    const { mismatches } = await tampered(change).run();
    return mismatches.map(({ quantity }) => quantity);
  }

  it('finds a wrong embedding', async () => {
    expect(
      await quantities((model) => {
        model.embedding[7] = (model.embedding[7] ?? 0) + 0.01;
      }),
    ).to.deep.equal(['embedding[7]']);
  });

  it('finds wrong gradients, statistics and counts', async () => {
    expect(
      await quantities((model) => {
        model.parameters++;
        model.train.gradNorms['fc.bias'] = 1;
        model.train.running['bn1.running_var'] = 1;
        model.train.gradNorms['nowhere'] = 1;
      }),
    ).to.deep.equal([
      'parameter count',
      'after a training step, norm of bn1.running_var',
      'gradient norm of fc.bias',
      'gradient norm of nowhere',
    ]);
  });

  it('finds a renamed or reshaped entry of the state dict', async () => {
    const outcome = await tampered((model) => {
      model.stateDict[1] = ['bn1.gamma', [16]];
    }).run();
    expect(outcome.mismatches).to.deep.equal([
      {
        quantity: 'entry 1 of the state dict',
        expected: 'bn1.gamma [16]',
        found: 'bn1.weight [16]',
      },
    ]);
  });

  it('says of a model that is not in the registry that it cannot be run yet', () => {
    const unknown = tampered((model) => {
      model.name = 'resnet9000';
    });
    expect(() => unknown.run()).to.throw(NotAvailable, "cannot be run yet: model 'resnet9000'");
  });
});
