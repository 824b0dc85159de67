import { crossEntropy } from '../../lib/distill/terms';
import { publishedRecipe } from './cifar';

/** A teacher that is trained here, as the published ones were: cross entropy under the published recipe. */
export const teacherRecipe = publishedRecipe([crossEntropy()]);
