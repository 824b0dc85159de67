import type { CocoDataset } from '../data';
import { evaluateCoco } from '../evaluate';
import { precisionAt } from '../summary';
import type { CocoDetection } from '../types';
import type { DetectionEvaluation } from './schema';

/** COCO's figures and the mean precision–recall curves of detections, as a run keeps them. */
export function evaluationRecord(
  { groundTruth, entries }: CocoDataset,
  detections: readonly CocoDetection[],
): DetectionEvaluation {
  const { stats, byCategory, curves } = evaluateCoco(groundTruth, detections);
  const curve = (overlap: number): number[] => [...(precisionAt(curves, overlap) ?? [])];
  return {
    stats,
    byCategory: [...byCategory],
    curves: { '0.50': curve(0.5), '0.75': curve(0.75) },
    images: entries.length,
    detections: detections.length,
  };
}
