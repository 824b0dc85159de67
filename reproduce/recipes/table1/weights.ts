/** The loss weights of a pair's `++` rows; the base row has the same recipe without the ND term. */
export interface PairWeights {
  /** 0.1 unless given; the depthwise students train at 0.02. */
  readonly learningRate?: number;
  readonly kd: { readonly weight: number; readonly nd: number };
  readonly dkd: { readonly alpha: number; readonly beta: number; readonly nd: number };
  readonly reviewkd: { readonly weight: number; readonly nd: number };
  readonly dist: { readonly weight: number; readonly nd: number };
}
