/** An entry of a state dict as PyTorch saves it: row-major, PyTorch's shape. */
export interface StateEntry {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Names, shapes and numbers as in PyTorch's `state_dict()`, in its order. */
export type StateDict = ReadonlyMap<string, StateEntry>;
