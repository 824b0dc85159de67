/**
 * Runs jobs with up to `ahead` of them under way and gives their results in the jobs' own order. A
 * consumer that is slower than the jobs holds them back; one that stops early leaves at most `ahead`
 * results that nobody takes.
 */
export async function* inOrder<Item, Result>(
  jobs: Iterable<Item>,
  run: (job: Item) => Promise<Result>,
  ahead: number,
): AsyncGenerator<Result> {
  const iterator = jobs[Symbol.iterator]();
  const underWay: Promise<Result>[] = [];
  const fill = (): void => {
    while (underWay.length < ahead) {
      const { value, done } = iterator.next();
      if (done === true) return;
      const result = run(value);
      // Told to the consumer when its turn comes, if it comes.
      result.catch(() => undefined);
      underWay.push(result);
    }
  };
  fill();
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const result = await next;
    fill();
    yield result;
  }
}
