import type { CaseResult } from './directory';

/** The mismatches that are printed of one case; the rest is counted. */
const printedMismatches = 5;

/** A failed case, or a note on a passed one, as lines to print; none for a case that simply passed. */
export function describeCase({
  file,
  name,
  passed,
  mismatches,
  note,
  reason,
}: CaseResult): string[] {
  const title = `${file}: ${name}`;
  if (passed) return note === undefined ? [] : [`note   ${title}: ${note}`];
  if (reason !== undefined) return [`FAILED ${title}: ${reason}`];
  const lines = mismatches
    .slice(0, printedMismatches)
    .map(
      ({ quantity, expected, found }) =>
        `FAILED ${title}: ${quantity}: expected ${expected}, found ${found}`,
    );
  const more = mismatches.length - lines.length;
  return more === 0 ? lines : [...lines, `       ${title}: and ${more} more that differ`];
}

/** `12 passed, 3 failed` */
export function describeTotal(results: readonly CaseResult[]): string {
  const passed = results.filter((result) => result.passed).length;
  return `${passed} passed, ${results.length - passed} failed`;
}
