import { LabError } from '../errors';
import type { StateTensor } from '../nn/state';

const block = /^blocks\.(\d+)\./;
const stem = /^(cls_token|dist_token|pos_embed|patch_embed\.)/;

/**
 * The factor of each parameter's learning rate, as BEiT's and MAE's fine-tuning have it: decay^(L + 1 − l)
 * with l = 0 for patches, tokens and positions, 1 … L for the blocks, L + 1 for the last norm, the heads
 * and all that does not belong to a transformer. All 1 for a decay of 1.
 *
 * @throws LabError of kind `option` when no parameter belongs to a block.
 */
export function layerScales(parameters: readonly StateTensor[], decay: number): number[] {
  if (decay === 1) return parameters.map(() => 1);
  const blocks = parameters.map(({ name }) => Number(block.exec(name)?.[1] ?? -1));
  const last = Math.max(-1, ...blocks) + 2;
  if (last === 1) {
    throw new LabError({
      kind: 'option',
      what: 'a learning rate that shrinks from block to block needs a transformer',
      where: 'layerDecay',
      found: `parameters such as ${parameters[0]?.name ?? 'none'}`,
      remedy: 'Leave it out for a convolutional network',
    });
  }
  return parameters.map(({ name }, at) => {
    const inBlock = blocks[at] ?? -1;
    const layer = inBlock >= 0 ? inBlock + 1 : stem.test(name) ? 0 : last;
    return decay ** (last - layer);
  });
}
