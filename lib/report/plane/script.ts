/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { tidied } from '../../engine/tidy';
import { normDirectionLoss } from '../../losses/norm-direction';

// Runs in a browser, bundled with the library's own loss: `planeHtml`.

type Point = readonly [x: number, y: number];

const teacher: Point = [1.2, 1.6];
const teacherNorm = Math.hypot(...teacher);
const start: Point = [-0.6, 1.1];
/** How far the plane is seen, to both sides of the origin. */
const [halfWidth, halfHeight] = [3.6, 2.7];
const pixels = 100;
const descent = { steps: 50, rate: 0.3 };

interface LossAndGradient {
  readonly loss: number;
  readonly gradient: Point;
}

/** The loss of a student's feature, and its gradient. The class mean lies to the right. */
function lossAt(feature: Point): LossAndGradient {
  return tidied<LossAndGradient>(() => {
    const loss = (student: tf.Tensor): tf.Scalar =>
      normDirectionLoss(
        student as tf.Tensor2D,
        tf.tensor2d([[...teacher]]),
        tf.tensor1d([0], 'int32'),
        tf.tensor2d([[1, 0]]),
      );
    const { value, grad } = tf.valueAndGrad(loss)(tf.tensor2d([[...feature]]));
    const [x = 0, y = 0] = grad.dataSync();
    return { loss: value.dataSync()[0] ?? NaN, gradient: [x, y] };
  });
}

/** Where gradient descent on the loss alone leads. */
function descend(from: Point): Point[] {
  const points = [from];
  let at = from;
  for (let step = 0; step < descent.steps; step += 1) {
    const { gradient } = lossAt(at);
    at = [at[0] - descent.rate * gradient[0], at[1] - descent.rate * gradient[1]];
    points.push(at);
  }
  return points;
}

const place = ([x, y]: Point): string => `${(x * pixels).toFixed(1)},${(-y * pixels).toFixed(1)}`;

const line = (name: string, ...points: Point[]): string =>
  `<polyline class="${name}" points="${points.map(place).join(' ')}"/>`;

function words(name: string, [x, y]: Point, text: string): string {
  return `<text class="${name}" x="${String(x * pixels)}" y="${String(-y * pixels)}">${text}</text>`;
}

function drawing(feature: Point, push: Point): string {
  const [x, y] = feature;
  const tip: Point = [x + push[0], y + push[1]];
  return [
    `<circle class="norm" r="${String(teacherNorm * pixels)}"/>`,
    line('axis', [-halfWidth, 0], [halfWidth, 0]),
    line('axis', [0, -halfHeight], [0, halfHeight]),
    line('shadow', [x, y], [x, 0]),
    line('teacher arrow', [0, 0], teacher),
    words('teacher', [teacher[0] + 0.1, teacher[1] + 0.05], 'fᵗ'),
    line('teacher arrow', [0, 0], [1, 0]),
    words('teacher', [0.9, -0.28], 'e'),
    line('path', ...descend(feature)),
    line('own arrow', [0, 0], feature),
    words('own', [x - 0.35, y + 0.2], 'f'),
    line('push arrow', feature, tip),
  ].join('');
}

function explanation(feature: Point, { loss, gradient }: LossAndGradient): string {
  const length = Math.hypot(...feature);
  const isShorter = length < teacherNorm;
  const digits = (value: number): string => value.toFixed(2).replace('-', '−');
  const divisor = digits(isShorter ? teacherNorm : length);
  return `<strong>ND = 1 − f·e / max(‖f‖, ‖fᵗ‖) = 1 − ${digits(feature[0])} / ${divisor} = ${loss.toFixed(3)}</strong><br>
‖f‖ = ${digits(length)} ${
    isShorter
      ? `is below the teacher’s ${digits(teacherNorm)}: the teacher’s norm divides, and a step turns the feature and lengthens it.`
      : `has reached the teacher’s ${digits(teacherNorm)}: its own norm divides, and a step only turns the feature.`
  }<br>
Gradient (${digits(gradient[0])}, ${digits(gradient[1])}); the orange arrow goes against it, the dotted line is ${String(descent.steps)} such steps.`;
}

function makeLive(root: Element): void {
  root.setAttribute('data-live', '');
  root.innerHTML = `<svg viewBox="${[-halfWidth, -halfHeight, 2 * halfWidth, 2 * halfHeight].map((side) => String(side * pixels)).join(' ')}">
<defs><marker id="nd-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5" markerHeight="5" orient="auto"><path d="M0,0 L10,5 L0,10 z" fill="context-stroke"/></marker></defs>
<g></g><circle class="handle" r="13" tabindex="0" role="button" aria-label="The student’s feature: drag it, or move it with the arrow keys"/></svg>
<p aria-live="polite"></p>`;
  const [svg, drawn, handle, text] = ['svg', 'g', '.handle', 'p'].map((name) =>
    root.querySelector<SVGSVGElement>(name),
  );
  if (!svg || !drawn || !handle || !text) return;
  let feature = start;
  const move = ([x, y]: Point): void => {
    const within = (value: number, most: number): number => Math.min(most, Math.max(-most, value));
    feature = [within(x, halfWidth), within(y, halfHeight)];
    const found = lossAt(feature);
    drawn.innerHTML = drawing(feature, [-found.gradient[0], -found.gradient[1]]);
    handle.setAttribute('cx', String(feature[0] * pixels));
    handle.setAttribute('cy', String(-feature[1] * pixels));
    text.innerHTML = explanation(feature, found);
  };
  const follow = (event: PointerEvent): void => {
    if (event.buttons === 0) return;
    const { left, top, width, height } = svg.getBoundingClientRect();
    const across = (event.clientX - left) / width;
    const down = (event.clientY - top) / height;
    move([halfWidth * (2 * across - 1), halfHeight * (1 - 2 * down)]);
  };
  svg.addEventListener('pointerdown', (event) => {
    svg.setPointerCapture(event.pointerId);
    follow(event);
  });
  svg.addEventListener('pointermove', follow);
  const keys: Readonly<Record<string, Point>> = {
    ArrowLeft: [-0.1, 0],
    ArrowRight: [0.1, 0],
    ArrowUp: [0, 0.1],
    ArrowDown: [0, -0.1],
  };
  handle.addEventListener('keydown', (event) => {
    const by = keys[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move([feature[0] + by[0], feature[1] + by[1]]);
  });
  move(start);
}

void tf.setBackend('cpu').then(() => {
  document.querySelectorAll('.nd-plane:not([data-live])').forEach(makeLive);
});
