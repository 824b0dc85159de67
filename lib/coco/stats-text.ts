import { type CocoStats, cocoStatNames } from './summary';

/** What each figure is, in the words of pycocotools' summary. */
const meanings: Readonly<Record<keyof CocoStats, readonly [string, string, string, number]>> = {
  AP: ['Precision', '0.50:0.95', 'all', 100],
  AP50: ['Precision', '0.50', 'all', 100],
  AP75: ['Precision', '0.75', 'all', 100],
  APs: ['Precision', '0.50:0.95', 'small', 100],
  APm: ['Precision', '0.50:0.95', 'medium', 100],
  APl: ['Precision', '0.50:0.95', 'large', 100],
  AR1: ['Recall', '0.50:0.95', 'all', 1],
  AR10: ['Recall', '0.50:0.95', 'all', 10],
  AR100: ['Recall', '0.50:0.95', 'all', 100],
  ARs: ['Recall', '0.50:0.95', 'small', 100],
  ARm: ['Recall', '0.50:0.95', 'medium', 100],
  ARl: ['Recall', '0.50:0.95', 'large', 100],
};

/** The twelve figures, a line each: `AP50   Precision at IoU 0.50, all sizes, 100 detections: 0.541`. */
export function statsText(stats: CocoStats): string {
  return cocoStatNames
    .map((name) => {
      const [what, overlap, sizes, detections] = meanings[name];
      const value = stats[name] < 0 ? 'no such object' : stats[name].toFixed(3);
      const most = `${String(detections)} detection${detections === 1 ? '' : 's'}`;
      return `${name.padEnd(6)} ${value}  ${what} at IoU ${overlap}, ${sizes} sizes, at most ${most} an image and category`;
    })
    .join('\n');
}
