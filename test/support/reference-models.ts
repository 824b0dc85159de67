import { join } from 'node:path';
import { expect } from 'chai';
import type { ReferenceCase } from '../../lib/verify/compare';
import { modelsChecker } from '../../lib/verify/models';
import { trajectoriesChecker } from '../../lib/verify/trajectories';

export const fixtures = join(__dirname, '..', 'fixtures', 'reference');
export const checker = modelsChecker('models-cifar.json');

/** Milliseconds for a deep model that is run again to see what rounding does to it. */
const slow = 300_000;

/** Of each kind of network and of loss the one that takes a second or two; the others are long tests. */
const quick = [
  ...['resnet8', 'resnet20', 'resnet56', 'resnet8x4', 'wrn_40_1', 'MobileNetV2', 'ShuffleV1'],
  ...['resnet20 → resnet8, kd', 'resnet20 → resnet8, kd++', 'resnet20 → resnet8, dkd'],
  ...['resnet20 → resnet8, dkd++', 'resnet20 → resnet8, reviewkd++'],
];

const models = (): ReferenceCase[] => checker.cases(join(fixtures, checker.entry));
const runs = (): ReferenceCase[] => trajectoriesChecker.cases(join(fixtures, 'trajectories.json'));
const isQuick = ({ name }: ReferenceCase): boolean => quick.includes(name);
const isSlow = (each: ReferenceCase): boolean => !isQuick(each);

export const quickModels = (): ReferenceCase[] => models().filter(isQuick);
export const slowModels = (): ReferenceCase[] => models().filter(isSlow);
export const quickRuns = (): ReferenceCase[] => runs().filter(isQuick);
export const slowRuns = (): ReferenceCase[] => runs().filter(isSlow);

/** Tests that nothing differs from the reference values. */
export function itAgrees(cases: readonly ReferenceCase[]): void {
  for (const { name, run } of cases) {
    it(name, async () => {
      expect((await run()).mismatches).to.deep.equal([]);
    }).timeout(slow);
  }
}
