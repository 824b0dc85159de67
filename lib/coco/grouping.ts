/** Places of things, ordered by category, then image, then as they were given. */
export interface Grouped {
  readonly order: Int32Array;
  /** Category c has `order[starts[c]]` to `order[starts[c + 1] − 1]`. */
  readonly starts: Int32Array;
}

/** Two counting sorts, the last one by category; both keep the order of what is equal. */
export function groupByCategoryAndImage(
  { categories, images }: { readonly categories: Int32Array; readonly images: Int32Array },
  counts: { readonly categories: number; readonly images: number },
): Grouped {
  const asGiven = Int32Array.from({ length: categories.length }, (_, place) => place);
  const { order: byImage } = countingSort(asGiven, images, counts.images);
  return countingSort(byImage, categories, counts.categories);
}

function countingSort(places: Int32Array, keys: Int32Array, count: number): Grouped {
  const starts = new Int32Array(count + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let key = 0; key < count; key++)
    starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  const next = starts.slice();
  const order = new Int32Array(places.length);
  for (const place of places) {
    const key = keys[place] ?? 0;
    const at = next[key] ?? 0;
    order[at] = place;
    next[key] = at + 1;
  }
  return { order, starts };
}
