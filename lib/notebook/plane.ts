import { planeHtml } from '../report/plane/page';
import { show } from './table';

/**
 * Shows a plane in which the student's feature can be dragged, with its ND loss, the gradient and the path of
 * gradient descent, by the library's own loss in the browser. It asks nothing of the network.
 */
export function showNormDirection(): void {
  const idle =
    'Run this cell, and drag the feature: a notebook that was only opened runs no script.';
  show({ 'text/html': planeHtml(idle), 'text/plain': '[The ND loss by hand]' });
}
