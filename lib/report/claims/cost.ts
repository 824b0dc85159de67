/** Where a replication would train: the paper's three data sets. */
export type FullData = 'cifar100' | 'imagenet' | 'coco';

/** The card that estimates are for. */
const card = 'NVIDIA A100';

/** A run of the paper's recipes, and how fast the card is assumed to do it. */
interface FullRun {
  readonly words: string;
  /** Images that one run trains on, all its epochs together. */
  readonly images: number;
  /** Assumed, not measured: see `fullHours`. */
  readonly imagesPerSecond: number;
}

const fullRuns: Readonly<Record<FullData, FullRun>> = {
  cifar100: { words: '240 epochs of CIFAR-100', images: 240 * 50_000, imagesPerSecond: 4000 },
  imagenet: {
    words: '100 epochs of ImageNet',
    images: 100 * 1_281_167,
    imagesPerSecond: 1000,
  },
  coco: { words: '180,000 iterations on COCO', images: 180_000 * 8, imagesPerSecond: 16 },
};

/** What a claim in the paper's setting asks for: pairs × rows, each over three seeds. */
export interface FullReplication {
  readonly data: FullData;
  readonly pairs: number;
  readonly rows: number;
}

/** As `--scale paper` runs them. */
const seeds = 3;

/**
 * Hours that a replication in the paper's setting would take on one A100, an estimate that was not measured:
 *
 *     hours = pairs · rows · seeds · images of a run / (images per second · 3600)
 *
 * The images per second of training with a teacher beside are assumptions. CIFAR's networks are so small
 * that the card waits for its commands: 4,000, a step of 128 images in some 30 ms. On ImageNet an image
 * costs R34 → R18 three passes of the student (3.6 GFLOPs each) and one of the teacher (7.3), 18 GFLOPs:
 * 1,000 images are 18 TFLOPs a second, an eighth of the card's 156 in TF32. A detector's step of 8 images
 * of 800 pixels is taken to last half a second: 16.
 */
export function fullHours({ data, pairs, rows }: FullReplication): number {
  const { images, imagesPerSecond } = fullRuns[data];
  return (pairs * rows * seeds * images) / (imagesPerSecond * 3600);
}

/** `144 runs of 240 epochs of CIFAR-100, an estimated 120 h on one NVIDIA A100`. */
export function fullInWords(replication: FullReplication): string {
  const runs = replication.pairs * replication.rows * seeds;
  const hours = Math.round(fullHours(replication)).toLocaleString('en');
  return `${String(runs)} runs of ${fullRuns[replication.data].words}, an estimated ${hours} h on one ${card}`;
}

/** What must be said once of all these estimates. */
export const costNote = `What a full replication would take is an estimate that was not measured: three seeds on one ${card}, assumed to train ${Object.values(
  fullRuns,
)
  .map(
    ({ words, imagesPerSecond }) => `${imagesPerSecond.toLocaleString('en')} images/s in ${words}`,
  )
  .join(', ')}.`;
