import type { DetectionTeacher } from '../../detection/distill/objective';

/** A teacher ready for use, and where it came from. */
export interface TrainedDetectionTeacher extends DetectionTeacher {
  /** As `--pairs` names it. */
  readonly name: string;
  /** Of its weights. */
  readonly hash: string;
  /** Of its class means; null where no method needs them. */
  readonly classMeansHash: string | null;
  /** `trained here`, or the file that it was read from. */
  readonly source: string;
}
