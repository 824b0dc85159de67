import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { packageRoot } from '../../package-root';
import { firstPage, pageHtml } from '../writers/html';

/** The page on which the student's feature can be dragged. */
export const planePage = 'nd-by-hand.html';
const title = 'The ND loss by hand';
const planeWords =
  'Drag the student’s feature f, or move it with the arrow keys: fᵗ is the teacher’s feature of the same image, e the direction of its class’s mean, the circle the teacher’s norm.';

const style = `<style>
.nd-plane svg { display: block; width: 100%; max-width: 720px; height: auto; touch-action: none; font: 26px "DejaVu Sans", sans-serif; }
.nd-plane svg * { vector-effect: non-scaling-stroke; }
.nd-plane polyline, .nd-plane .norm { fill: none; stroke: currentColor; stroke-width: 2.5; }
.nd-plane .arrow { marker-end: url(#nd-head); }
.nd-plane .axis { stroke-width: 1; opacity: 0.3; }
.nd-plane .norm, .nd-plane .shadow { stroke-width: 1.5; stroke-dasharray: 4 4; opacity: 0.6; }
.nd-plane text { fill: currentColor; }
.nd-plane text.own { stroke: none; font-weight: bold; }
.nd-plane .own { stroke: #0072b2; stroke-width: 4; }
.nd-plane .push { stroke: #d55e00; stroke-width: 4; }
.nd-plane .path { stroke: #d55e00; stroke-dasharray: 2 4; }
.nd-plane .handle { fill: #0072b2; cursor: grab; }
.nd-plane .handle:focus-visible { outline: 3px solid #d55e00; outline-offset: 3px; }
</style>`;

let made: string | undefined;

/**
 * A piece of a page on which the student's feature can be dragged through the plane, under its ND loss, the
 * loss's gradient and the path of gradient descent. The loss is the library's own, bundled for the browser;
 * nothing is asked of the network.
 *
 * @param idle what stands there where no script runs
 */
export function planeHtml(idle: string): string {
  made ??= bundle();
  return `${style}<div class="nd-plane"><p>${idle}</p></div><script>${made}</script>`;
}

function bundle(): string {
  const source = join(packageRoot(), 'lib', 'report', 'plane', 'script.ts');
  // The published package has what was compiled of it alone.
  const entry = existsSync(source) ? source : join(__dirname, 'script.js');
  const own = createRequire(createRequire(__filename).resolve('@tensorflow/tfjs/package.json'));
  const modules = (name: string): string =>
    join(dirname(own.resolve(`@tensorflow/${name}/package.json`)), 'dist', 'index.js');
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    alias: {
      // Without its other backends, layers and readers of data.
      '@tensorflow/tfjs': modules('tfjs-core'),
      '@tensorflow/tfjs-core': modules('tfjs-core'),
      '@tensorflow/tfjs-backend-cpu': modules('tfjs-backend-cpu'),
    },
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    target: 'es2020',
    legalComments: 'eof',
    logLevel: 'silent',
  });
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}

/** The whole page, for the report. */
export function renderPlanePage(): string {
  return pageHtml({
    title,
    links: [[firstPage, 'At a glance']],
    content: `<p class="lead">${planeWords}</p>
${planeHtml('This page needs JavaScript.')}`,
    foot: 'Computed on this page by the library’s own loss, with TensorFlow.js; nothing is asked of the network.',
  });
}
