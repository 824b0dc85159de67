import { isMainThread, parentPort, type Transferable, workerData } from 'node:worker_threads';
import { useImagesAddOn } from '../../engine/images';
import { LabError } from '../../errors';
import { drawnImages } from '../batches';
import { evaluationImages, trainingImages } from './image-batch';
import { checkFiles, type Job, type JobResults } from './jobs';

/** What a thread is given when it starts. */
export interface ThreadData {
  readonly imagesAddOn: string | undefined;
}

export interface ThreadRequest {
  readonly id: number;
  readonly job: Job;
}

export type ThreadReply =
  | { readonly id: number; readonly result: JobResults[Job['kind']] }
  | { readonly id: number; readonly fault: Pick<LabError, 'kind' | 'problem' | 'fix'> }
  | { readonly id: number; readonly defect: string };

/** What ends a thread after the job at hand; to terminate it inside a call of Node's crashes the process. */
export const endOfWork = 'end';

/** Does the jobs that come in one after the other; images are handed over, not copied. */
function serve(port: NonNullable<typeof parentPort>): void {
  let last = Promise.resolve();
  let ended = false;
  port.on('message', (request: ThreadRequest | typeof endOfWork) => {
    if (request === endOfWork) {
      ended = true;
      void last.then(() => port.close());
      return;
    }
    const { id, job } = request;
    last = last.then(async () => {
      if (ended) return;
      try {
        const result = await work(job);
        port.postMessage({ id, result } satisfies ThreadReply, buffersOf(result));
      } catch (error) {
        port.postMessage({ id, ...described(error) } satisfies ThreadReply);
      }
    });
  });
}

async function work(job: Job): Promise<JobResults[Job['kind']]> {
  if (job.kind === 'training') return trainingImages(job);
  if (job.kind === 'evaluation') return evaluationImages(job);
  if (job.kind === 'drawn') return { images: drawnImages(job.form, job.split, job.batch) };
  return { reports: await checkFiles(job.files) };
}

function buffersOf(result: JobResults[Job['kind']]): Transferable[] {
  return 'images' in result ? [result.images.buffer] : [];
}

function described(
  error: unknown,
): Pick<Extract<ThreadReply, { fault: unknown }>, 'fault'> | { defect: string } {
  if (error instanceof LabError) {
    const { kind, problem, fix } = error;
    return { fault: { kind, problem, fix } };
  }
  return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

if (!isMainThread && parentPort) {
  const { imagesAddOn } = workerData as ThreadData;
  if (imagesAddOn !== undefined) useImagesAddOn(imagesAddOn);
  serve(parentPort);
}
