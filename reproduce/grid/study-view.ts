import type { StudyName } from '../../lib/report/study/model';
import { studyMethods } from '../recipes/studies';
import { fallbackNotes } from '../recipes/table1';
import { cifarScope } from './cifar';
import { renderDocument } from './report';
import type { GridStudy } from './settings';

/** What tells a study from the others. */
interface StudyDefinition extends Pick<GridStudy, 'defaults' | 'description'> {
  readonly name: StudyName;
  /** What it asks, below the options of `--help`. */
  readonly asks: string;
  /** Its rows at the scales whose defaults are not all of them, in words. */
  readonly methodsByScale: string;
  readonly pairsByScale: string;
  /** Arguments of its examples. */
  readonly examples: readonly string[];
}

/** A study as a view of the grid that it shares with table 1. */
export function studyView(definition: StudyDefinition): GridStudy {
  const { name, description, defaults, asks, methodsByScale, pairsByScale, examples } = definition;
  const script = `reproduce:${name}`;
  const methods = (): string[] => studyMethods[name].map(({ id }) => id);
  return {
    script,
    description,
    scope: cifarScope,
    defaults,
    help: {
      scales:
        'quick takes minutes on the embedded images, short hours on CIFAR-100 (a day with several seeds), ' +
        'reduced is all of CIFAR-100 over 40 epochs and several seeds (days), paper is the paper’s 240 epochs',
      pairs: `teacher:student, … (default: ${pairsByScale})`,
      get methods() {
        return `rows of the study: teacher, ${methods().join(', ')} (default: ${methodsByScale})`;
      },
      get after() {
        const rows = studyMethods[name].map(({ id, label }) => `  ${id.padEnd(widest)} ${label}`);
        return `${asks}

Rows:
${rows.join('\n')}

Examples:
${['', ...examples].map((args) => `  npm run ${script}${args === '' ? '' : ` -- ${args}`}`).join('\n')}

Runs are shared with npm run reproduce:table1 and the other studies of the same scale and data: what one
has trained (kd and kd++ stand in all of them), the next shows without training it again. All must have
the same --epochs, --teacher-epochs and --batch; another folder of --results keeps others apart.
A difference counts only when the p of its paired t-test over the seeds is below 0.05, after Holm's
adjustment for the claims of its table: give several, --seeds 1,2,3,4,5.`;
      },
    },
    methods,
    notes: fallbackNotes,
    render: (request) => renderDocument(name, request),
  };
}

const widest = 22;
