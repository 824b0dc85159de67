import { customSource, type ImageSplit } from 'norm-direction-lab';

const side = 16;
const classes = ['dark', 'middle', 'light'];

/** Red, green and blue of each pixel as bytes, image after image; here each image is one grey. */
function split(perClass: number): ImageSplit {
  const count = classes.length * perClass;
  const labels = Int32Array.from({ length: count }, (_, image) => image % classes.length);
  const images = new Uint8Array(count * side * side * 3);
  labels.forEach((label, image) => {
    images.fill(60 + 60 * label, image * side * side * 3, (image + 1) * side * side * 3);
  });
  return { images, labels, count };
}

export const dataset = customSource({
  name: 'greys',
  title: 'Three greys',
  load: () => ({ classes, height: side, width: side, train: split(8), test: split(4) }),
});
