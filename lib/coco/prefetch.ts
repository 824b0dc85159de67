/**
 * Runs up to `ahead` jobs before their results are asked for, and gives the results in order. A job that
 * fails throws when its turn comes.
 */
export async function* prefetched<Result>(
  jobs: Iterator<() => Promise<Result>>,
  ahead: number,
): AsyncGenerator<Result, void, undefined> {
  const running: Promise<Result>[] = [];
  const start = (): void => {
    const { value, done } = jobs.next();
    if (done) return;
    const result = value();
    // Its fault is thrown when it is awaited below, which may be never.
    result.catch(() => undefined);
    running.push(result);
  };
  for (let count = 0; count <= ahead; count++) start();
  for (let next = running.shift(); next !== undefined; next = running.shift()) {
    const result = await next;
    start();
    yield result;
  }
}
