import { findingOf } from './blocks';
import { documentOf } from './build';
import type { ClaimAtGlance } from './model';

/**
 * The picture of a claim, as a file that lies beside the pages; null where there is none: today the plots
 * of its table or study.
 */
export function pictureOf({ id, ran }: ClaimAtGlance): string | null {
  return ran === '' ? null : `${documentOf(id)}.svg`;
}

/** The one picture above all claims, and what it shows: today that of the growing teachers. */
export function glancePicture(
  claims: readonly ClaimAtGlance[],
): { readonly file: string; readonly says: string } | null {
  const claim = claims.find(({ id }) => id === 'C5');
  const file = claim === undefined ? null : pictureOf(claim);
  return claim === undefined || file === null ? null : { file, says: findingOf(claim) };
}
