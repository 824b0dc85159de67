import type { LayerContext } from '../nn/layers';
import type { Network } from '../nn/model';

/** What every family is built from; each takes what it has a use for. */
export interface BuildOptions {
  readonly classes: number;
  /** Side of the square images. */
  readonly imageSize: number;
  /** Stochastic depth of the last block. */
  readonly dropPath: number;
}

/** A named network before it has weights. */
export interface Architecture {
  /** Side of the square images that it was published for. */
  readonly imageSize: number;
  /** Whether its residual branches can be dropped in training. */
  readonly dropsPaths: boolean;
  build(context: LayerContext, options: BuildOptions): Network;
}
