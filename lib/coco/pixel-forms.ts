import type { PixelForm } from './data';

/** detectron2's pixels for its ResNets from Caffe: blue first, only the mean taken away. */
export const caffePixels: PixelForm = {
  order: 'bgr',
  mean: [103.53, 116.28, 123.675],
  std: [1, 1, 1],
};

/** torchvision's pixels: red first, mean and standard deviation of ImageNet; the R18 students' form. */
export const torchvisionPixels: PixelForm = {
  order: 'rgb',
  mean: [123.675, 116.28, 103.53],
  std: [58.395, 57.12, 57.375],
};
