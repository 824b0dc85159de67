import type { FeaturePlace } from '../distill/feature-place';
import { classMeansPlaces, type Method } from '../distill/terms';
import type { Teacher } from '../train/learner';
import type { TrainedTeacher } from './teacher';

/** A teacher with the class means of all places that a method needs; a first method there makes them. */
export async function withPlacesOf(method: Method, teacher: TrainedTeacher): Promise<Teacher> {
  const classMeansAt = new Map<FeaturePlace, Float32Array>();
  for (const place of classMeansPlaces(method)) {
    const means = await teacher.loadClassMeansAt?.(place);
    if (means !== undefined) classMeansAt.set(place, means);
  }
  return { ...teacher, classMeansAt };
}
