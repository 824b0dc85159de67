import type { Pixels } from '../resample';

/** What becomes of each of the 256 levels. */
type Table = (level: number) => number;

/** Levels v ≥ threshold become 255 − v. */
export function solarize(pixels: Pixels, threshold: number): Pixels {
  return mapLevels(pixels, (level) => (level < threshold ? level : 255 - level));
}

/** Levels below 128 get `amount` more, 255 at most. */
export function solarizeAdd(pixels: Pixels, amount: number): Pixels {
  return mapLevels(pixels, (level) => (level < 128 ? Math.min(255, level + amount) : level));
}

/** Keeps so many of the eight bits of each level, the highest. */
export function posterize(pixels: Pixels, bits: number): Pixels {
  const mask = 256 - 2 ** (8 - bits);
  return mapLevels(pixels, (level) => level & mask);
}

export function invert(pixels: Pixels): Pixels {
  return mapLevels(pixels, (level) => 255 - level);
}

/** Spreads each channel so that its least level becomes 0 and its highest 255. */
export function autoContrast(pixels: Pixels): Pixels {
  return mapChannels(pixels, (counts) => {
    const least = counts.findIndex((count) => count > 0);
    const most = counts.findLastIndex((count) => count > 0);
    if (most <= least) return (level) => level;
    const scale = 255 / (most - least);
    return (level) => Math.min(255, Math.max(0, Math.trunc(level * scale - least * scale)));
  });
}

/** Makes the levels of each channel as even as their histogram allows, as PIL's `ImageOps.equalize`. */
export function equalize(pixels: Pixels): Pixels {
  return mapChannels(pixels, (counts) => {
    const last = counts.findLast((count) => count > 0) ?? 0;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const step = Math.floor((total - last) / 255);
    if (step === 0) return (level) => level;
    const table = new Uint8Array(256);
    let before = Math.floor(step / 2);
    for (let level = 0; level < 256; level++) {
      table[level] = Math.min(255, Math.floor(before / step));
      before += counts[level] ?? 0;
    }
    return (level) => table[level] ?? level;
  });
}

function mapLevels(pixels: Pixels, table: Table): Pixels {
  return withTables(pixels, [table, table, table]);
}

function mapChannels(pixels: Pixels, tableOf: (counts: Int32Array) => Table): Pixels {
  const counts = [new Int32Array(256), new Int32Array(256), new Int32Array(256)];
  const { data } = pixels;
  counts.forEach((count, channel) => {
    for (let at = channel; at < data.length; at += 3) {
      const level = data[at] ?? 0;
      count[level] = (count[level] ?? 0) + 1;
    }
  });
  return withTables(pixels, counts.map(tableOf));
}

function withTables({ data, width, height }: Pixels, tables: readonly Table[]): Pixels {
  const result = new Uint8Array(data.length);
  tables.forEach((table, channel) => {
    const levels = Uint8Array.from({ length: 256 }, (_, level) => table(level));
    for (let at = channel; at < data.length; at += 3) result[at] = levels[data[at] ?? 0] ?? 0;
  });
  return { data: result, width, height };
}
