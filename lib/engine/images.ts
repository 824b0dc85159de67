import { createRequire } from 'node:module';

/** The add-on for images of the native engine (`cpp/images`). */
export interface ImagesAddOn {
  decode(
    bytes: Uint8Array,
    left: number,
    top: number,
    width: number,
    height: number,
  ): Uint8Array | undefined;
  scale(pixels: Uint8Array, shape: Int32Array, across: Int32Array, down: Int32Array): Uint8Array;
  /**
   * Writes images, `height × width × 3` bytes each, as numbers.
   *
   * @param places of each image four: which it is, how far it is moved to the left and up, and whether it is then
   * mirrored; beside it lies black
   * @param numbers of red's 256 levels, green's and blue's
   * @param sides height and width
   */
  normalise(
    pixels: Uint8Array,
    places: Int32Array,
    numbers: Float32Array,
    sides: Int32Array,
    to: Float32Array,
  ): void;
}

let used: { readonly file: string; readonly addOn: ImagesAddOn } | undefined;

/**
 * Loads the add-on of a built engine. A thread must not be the first in its process: TensorFlow, which the add-on is
 * linked to, would be unloaded at the thread's end.
 */
export function useImagesAddOn(file: string): void {
  used ??= { file, addOn: createRequire(__filename)(file) as ImagesAddOn };
}

/** The file that `useImagesAddOn` has loaded, for other threads; there once the native engine has started. */
export function imagesAddOnFile(): string | undefined {
  return used?.file;
}

/** The add-on, where it is loaded. */
export function imagesAddOn(): ImagesAddOn | undefined {
  return used?.addOn;
}
