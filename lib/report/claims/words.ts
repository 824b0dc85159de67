import type { GroupSetting } from '../group';

/** A data set as a reader knows it. */
const dataSets: Readonly<Record<string, string>> = {
  cifar100: 'CIFAR-100',
  'cifar100-first20': 'the first 20 classes of CIFAR-100',
  cifar10: 'CIFAR-10',
  'fashion-mnist': 'Fashion-MNIST',
  imagenet: 'ImageNet',
  'folder:tiny-imagenet-20': '20 classes of Tiny ImageNet',
  coco: 'COCO',
  shapes: 'drawn shapes',
  'coco-mini': 'a small sample of COCO',
};

/** `the first 20 classes of CIFAR-100`; a folder by its name. */
export function dataInWords(name: string): string {
  const known = dataSets[name];
  if (known !== undefined) return known;
  const [, training, test] = /^shapes(?:-(\d+)-(\d+))?$/u.exec(name) ?? [];
  if (training !== undefined) return `drawn shapes (${training} images and ${test ?? ''} to test)`;
  return name.replace(/^folder:/u, '');
}

/** `CIFAR-100, resnet20 → resnet8, 40 epochs`. */
export function ranInWords(dataset: string, pair: string, length: string): string {
  return `${dataInWords(dataset)}, ${pair}, ${length}`;
}

/** The same of classifiers. */
export function ranInEpochs(
  { dataset, epochs }: Pick<GroupSetting, 'dataset' | 'epochs'>,
  pair: string,
): string {
  return ranInWords(dataset, pair, `${String(epochs)} epochs`);
}

/** `resnet20 → resnet8`; a student alone by its name. */
export function pairInWords({
  teacher,
  student,
}: {
  readonly teacher: string | null;
  readonly student: string;
}): string {
  return teacher === null ? student : `${teacher} → ${student}`;
}

/** `resnet20, resnet56; resnet56 → resnet20`: networks that stand alone, and a pair. */
export function networksInWords(
  networks: readonly string[],
  pair: Parameters<typeof pairInWords>[0],
): string {
  return [...(networks.length > 0 ? [networks.join(', ')] : []), pairInWords(pair)].join('; ');
}

/** The words of the claims, each with what it means; the first are those of verdicts. */
export const words: readonly (readonly [word: string, meaning: string])[] = [
  ['reproduced', 'the effect is above 0, and p below 0.05; a printed number, within ±0.5 of it'],
  ['contradicted', 'the effect is below 0, and p below 0.05; a printed number, wholly outside'],
  [
    'inconclusive',
    'these runs show it neither way; so is a claim whose comparisons do not all say the same, or of which one was not run, unless one that must hold is contradicted',
  ],
  ['not run', 'no run here tells of it'],
  ['full', 'the scale of a verdict on the paper’s data, at its length and batch'],
  [
    'reduced',
    'on the paper’s data whole, in a shorter schedule of 40 epochs or more that has converged',
  ],
  [
    'toy',
    'on anything smaller: it says what these runs show, not that the paper is right or wrong',
  ],
  [
    'points',
    'of a percentage: of top-1, the share of test images that are classified rightly, or of box AP, COCO’s figure for detectors',
  ],
  ['effect', 'the mean difference between runs that share their seed'],
  ['interval', 'Student’s 95 % interval of that mean, in brackets; from three seeds on'],
  ['n', 'the number of seeds: runs that differ in nothing else'],
  [
    'p',
    'of the paired t-test, two-sided, adjusted by Holm’s method for the comparisons of its table or study',
  ],
  ['resnet20 → resnet8', 'a pair: the teacher, then the student that learns from it'],
  ['KD, DKD, DIST, ReviewKD', 'four ways of distilling a teacher into a student'],
  ['ND', 'the paper’s loss: a student’s feature should be long and point along its class mean'],
  [
    '++',
    'the method with ND added; its base here is the same recipe without it, while the paper’s numbers of the bases come from other recipes',
  ],
  ['class mean', 'the mean of the teacher’s features of one class'],
  ['norm', 'the length of a feature, the vector before the classifier'],
  [
    'SIFN',
    'a loss that lets the norm grow step by step; naive: a loss that pulls it, or the whole feature, to the teacher’s at once',
  ],
  [
    'cosine, InfoNCE',
    'two losses that turn a feature to its class mean; InfoNCE, whose temperature is τ, also turns it from the others’',
  ],
];

/** What the verdicts of C9 mean: it compares with a printed number. */
const ofNumbers: Readonly<Record<string, string>> = {
  reproduced: 'each mean’s 95 % interval lies within ±0.5 of the printed number',
  contradicted: 'the 95 % interval of a mean lies wholly outside of ±0.5 of the printed number',
};

/** What a claim's verdict means. */
export function verdictMeaning(id: string, outcome: string): string {
  return (id === 'C9' ? ofNumbers[outcome] : undefined) ?? meaningOf(outcome);
}

/** What a word means; empty for one that is not explained. */
export function meaningOf(word: string): string {
  return words.find(([known]) => known === word)?.[1] ?? '';
}
