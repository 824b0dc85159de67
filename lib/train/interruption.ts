/** Ctrl-C may arrive twice, from the terminal and from a program that started this one. */
const sameKeyPress = 500;

/** Of the work under way. */
const signals = new Set<AbortSignal>();

/** Whether the work under way was interrupted already and is being saved. */
export function isStopping(): boolean {
  return [...signals].some(({ aborted }) => aborted);
}

/**
 * A signal that is aborted by the first Ctrl-C (or SIGTERM), so that the run can save; a second one,
 * half a second later or more, ends the process at once. `release` gives the signals back.
 */
export function interruption(onFirst: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  let firstAt = 0;
  const handle = (): void => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAt > sameKeyPress) process.exit(130);
      return;
    }
    firstAt = performance.now();
    onFirst();
    controller.abort();
  };
  signals.add(controller.signal);
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    release: () => {
      signals.delete(controller.signal);
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
