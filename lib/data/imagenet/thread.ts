import { isMainThread, parentPort, type Transferable } from 'node:worker_threads';
import { LabError } from '../../errors';
import { evaluationImages, trainingImages } from './image-batch';
import { checkFiles, type Job, type JobResults } from './jobs';

export interface ThreadRequest {
  readonly id: number;
  readonly job: Job;
}

export type ThreadReply =
  | { readonly id: number; readonly result: JobResults[Job['kind']] }
  | { readonly id: number; readonly fault: Pick<LabError, 'kind' | 'problem' | 'fix'> }
  | { readonly id: number; readonly defect: string };

/** Does the jobs that come in one after the other; images are handed over, not copied. */
function serve(port: NonNullable<typeof parentPort>): void {
  let last = Promise.resolve();
  port.on('message', ({ id, job }: ThreadRequest) => {
    last = last.then(async () => {
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

if (!isMainThread && parentPort) serve(parentPort);
