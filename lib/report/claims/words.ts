/** A data set as a reader knows it. */
const dataSets: Readonly<Record<string, string>> = {
  cifar100: 'CIFAR-100',
  'cifar100-first20': 'the first 20 classes of CIFAR-100',
  cifar10: 'CIFAR-10',
  'fashion-mnist': 'Fashion-MNIST',
  imagenet: 'ImageNet',
  coco: 'COCO',
  'coco-mini': 'a small sample of COCO',
};

/** `the first 20 classes of CIFAR-100`; a folder by its name. */
export function dataInWords(name: string): string {
  const known = dataSets[name];
  if (known !== undefined) return known;
  if (/^shapes\b/u.test(name)) return 'drawn shapes';
  return name.replace(/^folder:/u, '');
}

/** `CIFAR-100, resnet20 → resnet8, 40 epochs`. */
export function ranInWords(dataset: string, pair: string, length: string): string {
  return `${dataInWords(dataset)}, ${pair}, ${length}`;
}
