/** Colours of categories: the first ones as far from each other as they can be (Okabe and Ito, lightened). */
const first = [
  '#E69F00',
  '#56B4E9',
  '#00B583',
  '#F0E442',
  '#2F8FDD',
  '#FF7A33',
  '#E58FC0',
] as const;

/** Degrees of hue from one of the further categories to the next: the golden angle never comes round. */
const hueStep = 137.508;

/**
 * The colour of a category by its index in its data set, the same in every picture; light enough to stand
 * out from photographs and to carry black letters.
 */
export function categoryColour(index: number): string {
  const known = first[index];
  if (known !== undefined) return known;
  const hue = (index * hueStep) % 360;
  let lightness = [0.6, 0.72, 0.5][index % 3] ?? 0.6;
  // Blues and violets of the same lightness are far darker to the eye.
  while (brightness(channelsOf(hue, saturation, lightness)) < leastBrightness) lightness += 0.02;
  return hexOf(channelsOf(hue, saturation, lightness));
}

const saturation = 0.85;
/** Black letters on it have a contrast of more than 6 to 1 (WCAG). */
const leastBrightness = 0.26;

/** Relative luminance (WCAG) of channels from 0 to 1. */
function brightness(channels: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = channels.map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Red, green and blue, 0 to 1, of a hue in degrees, a saturation and a lightness. */
function channelsOf(hue: number, share: number, lightness: number): number[] {
  const spread = share * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((offset) => {
    const k = (offset + hue / 30) % 12;
    return lightness - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  });
}

function hexOf(channels: readonly number[]): string {
  const digits = channels.map((value) =>
    Math.round(255 * value)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${digits.join('')}`;
}
