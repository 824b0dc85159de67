import { createRequire } from 'node:module';

interface HeldStandardError {
  readonly start: () => void;
  readonly stop: () => string;
}

/** What TensorFlow logs at the levels I and W, and the note that comes before its first line. */
const chatter = /^([IW]\d{4} |WARNING: All log messages before absl::InitializeLog)/;

/**
 * Runs `load` while standard error is held back by the add-on at `path`, then prints what was
 * written to it but for TensorFlow's information and warnings. A user who asks for those with
 * `TF_CPP_MIN_LOG_LEVEL` below 2 gets them all, at once.
 */
export function quietly<Result>(path: string, load: () => Result): Result {
  if (Number(process.env['TF_CPP_MIN_LOG_LEVEL']) < 2) return load();
  const standardError = createRequire(__filename)(path) as HeldStandardError;
  standardError.start();
  try {
    return load();
  } finally {
    const rest = withoutChatter(standardError.stop());
    // An empty text is an output of its own in a notebook.
    if (rest !== '') process.stderr.write(rest);
  }
}

/** The lines of a log that are not TensorFlow's information or warnings. */
export function withoutChatter(text: string): string {
  return text
    .split('\n')
    .filter((line) => !chatter.test(line))
    .join('\n');
}
