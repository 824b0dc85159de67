import { expect } from 'chai';
import { imageNetModels } from '../../lib/models/registry';
import { ModelState } from '../../lib/nn/state';

/** Tests how many parameters, and how long an embedding, each network has. */
export function itHasPublishedSizes(
  published: readonly (readonly [
    name: keyof typeof imageNetModels,
    parameters: number,
    embedding: number,
  ])[],
): void {
  it('have the published numbers of parameters for 1,000 classes', () => {
    // Their first weights do not matter here, and drawing hundreds of millions would take long.
    const zero = (): number => 0;
    const random = { uniform: zero, normal: zero, integer: zero };
    for (const [name, parameters, embedding] of published) {
      const state = new ModelState();
      const { embeddingSize } = imageNetModels[name].build(
        { state, random },
        { classes: 1000, imageSize: 224, dropPath: 0 },
      );
      expect([state.parameterCount, embeddingSize], name).to.deep.equal([parameters, embedding]);
      state.dispose();
    }
  });
}
