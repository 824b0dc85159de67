/** A convolution as its sums are written out. */
export interface Convolution {
  readonly batch: number;
  /** [height, width] of the input. */
  readonly sides: readonly [number, number];
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** Visits each product: its places in the input, in the output and in the weights [down, across, input, output]. */
export function eachProduct(
  { batch, sides: [height, width], inputs, outputs, kernel, stride, padding }: Convolution,
  visit: (from: number, to: number, weight: number) => void,
): void {
  const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let down = 0; down < kernel; down++) {
          for (let across = 0; across < kernel; across++) {
            const y = row * stride + down - padding;
            const z = column * stride + across - padding;
            if (y < 0 || y >= height || z < 0 || z >= width) continue;
            const pixel = ((image * height + y) * width + z) * inputs;
            const place = ((image * rows + row) * columns + column) * outputs;
            for (let i = 0; i < inputs; i++) {
              for (let o = 0; o < outputs; o++) {
                visit(pixel + i, place + o, ((down * kernel + across) * inputs + i) * outputs + o);
              }
            }
          }
        }
      }
    }
  }
}
