import type { Pixels } from '../resample';

/**
 * Away from, or for a factor above 1 beyond, a plainer picture: `plain + factor (image − plain)`, cut to
 * whole levels from 0 to 255, as PIL's `ImageEnhance` does.
 */
function blend(
  { data, width, height }: Pixels,
  factor: number,
  plainAt: (place: number) => number,
): Pixels {
  const blended = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const plain = plainAt(at);
    // PIL reckons in 32-bit floats, which tell apart less than a cut at a whole level would.
    const value = Math.fround(plain + Math.fround(factor * ((data[at] ?? 0) - plain)));
    blended[at] = Math.min(255, Math.max(0, Math.trunc(value)));
  }
  return { data: blended, width, height };
}

/** Saturation: 0 gives a grey image, 1 the image itself. */
export function adjustColour(pixels: Pixels, factor: number): Pixels {
  const grey = greyLevels(pixels);
  return blend(pixels, factor, (at) => grey[Math.floor(at / 3)] ?? 0);
}

/** Contrast: 0 gives the mean grey level everywhere, 1 the image itself. */
export function adjustContrast(pixels: Pixels, factor: number): Pixels {
  const grey = greyLevels(pixels);
  const mean = Math.trunc(grey.reduce((sum, level) => sum + level, 0) / grey.length + 0.5);
  return blend(pixels, factor, () => mean);
}

/** Brightness: 0 gives black, 1 the image itself. */
export function adjustBrightness(pixels: Pixels, factor: number): Pixels {
  return blend(pixels, factor, () => 0);
}

/** Sharpness: 0 gives the image smoothed, 1 the image itself. */
export function adjustSharpness(pixels: Pixels, factor: number): Pixels {
  const smooth = smoothed(pixels);
  return blend(pixels, factor, (at) => smooth[at] ?? 0);
}

/** ITU-R 601 luma, rounded. */
function greyLevels({ data, width, height }: Pixels): Uint8Array {
  const grey = new Uint8Array(width * height);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const red = data[3 * pixel] ?? 0;
    const green = data[3 * pixel + 1] ?? 0;
    const blue = data[3 * pixel + 2] ?? 0;
    grey[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** Mean of 3 × 3 pixels in which the middle counts five times; the outermost pixels stay as they are. */
function smoothed({ data, width, height }: Pixels): Uint8Array {
  const result = Uint8Array.from(data);
  const row = 3 * width;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
      let sum = 4 * (data[at] ?? 0);
      for (let above = at - row; above <= at + row; above += row) {
        sum += (data[above - 3] ?? 0) + (data[above] ?? 0) + (data[above + 3] ?? 0);
      }
      result[at] = Math.floor(sum / 13 + 0.5);
    }
  }
  return result;
}
