import { LabError } from '../../errors';
import { canonicalJson } from '../../canonical';
import type { DetectionConfig } from './schema';
import { readDetectionConfig } from './store';

/**
 * Checks that a run directory is new or belongs to this very configuration.
 *
 * @throws LabError of kind `results` that names the fields that differ.
 */
export function requireSameRun(directory: string, expected: DetectionConfig): void {
  const found = readDetectionConfig(directory);
  if (found === null) return;
  const differing = differences(found, expected, '').filter((field) => field !== 'recipeHash');
  if (differing.length === 0) return;
  throw new LabError({
    kind: 'results',
    what: 'a results directory belongs to another recipe',
    where: directory,
    found: `another ${differing.slice(0, 6).join(', ')}`,
    remedy: 'Name another results directory with --results, or train it anew with --no-resume',
  });
}

function differences(found: unknown, expected: unknown, path: string): string[] {
  if (!isRecord(found) || !isRecord(expected)) {
    return canonicalJson(found ?? null) === canonicalJson(expected ?? null) ? [] : [path];
  }
  return [...new Set([...Object.keys(found), ...Object.keys(expected)])].flatMap((key) =>
    differences(found[key], expected[key], path === '' ? key : `${path}.${key}`),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
