import { LabError } from '../../lib/errors';

/** @throws LabError of kind `option` for anything but a whole number of at least 1. */
export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new LabError({
    kind: 'option',
    what: 'a whole number of at least 1 is needed',
    where: option,
    found: `'${text}'`,
    remedy: `Write for example ${option} 8`,
  });
}
