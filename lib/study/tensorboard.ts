import { writeTensorBoard } from '../results/tensorboard';
import type { TrainingEvents } from '../train/train';

/** The same events; each epoch also goes into the run's TensorBoard file. */
export function withTensorBoard(events: TrainingEvents, directory: string): TrainingEvents {
  return {
    ...events,
    onEpoch(metrics, seconds) {
      writeTensorBoard(directory, { live: true });
      events.onEpoch?.(metrics, seconds);
    },
  };
}
