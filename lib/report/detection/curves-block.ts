import type { DetectionEvaluation } from '../../runs/schema';
import { teacherStyle } from '../families';
import type { Drawing } from '../figures';
import { alone, type Margins } from '../plot-style';
import type { PlotsBlock } from '../study/document';
import { aloneStyle, kdStyle, plotSize, styleAt } from '../study/plots';
import { type PrecisionRecallLine, precisionRecallPanel } from './precision-recall';

/** A detector's evaluation under the name that its table gives it. */
export interface NamedEvaluation {
  /** `teacher`, `student`, `kd++`. */
  readonly method: string;
  readonly label: string;
  readonly evaluation: DetectionEvaluation;
}

const margins: Margins = { left: 52, right: 12, top: 8, bottom: 42 };

const overlaps = ['0.50', '0.75'] as const;

/**
 * The precision–recall curves of detectors that were judged on the same images, one plot an overlap; null
 * where none has a curve.
 *
 * @param pair for those who do not see the plots
 */
export function curvesBlock(
  pair: string,
  detectors: readonly NamedEvaluation[],
): PlotsBlock<Drawing> | null {
  const others = detectors.filter(({ method }) => !(method in known));
  const lines = (overlap: (typeof overlaps)[number]): PrecisionRecallLine[] =>
    detectors.flatMap(({ method, label, evaluation }) => {
      const precision = evaluation.curves[overlap];
      const style = known[method] ?? styleAt(others.findIndex((other) => other.method === method));
      return precision.length === 0 ? [] : [{ label, style, precision }];
    });
  const legend = lines('0.50').map(({ label, style }) => ({ label, style }));
  if (legend.length === 0) return null;
  return {
    kind: 'plots',
    title: 'Precision over recall, mean of the categories',
    legend,
    plots: overlaps.map((overlap) => ({
      title: `At an overlap of ${overlap}`,
      says: `${pair}, mean precision: ${lines(overlap)
        .map(({ label, precision }) => `${label} ${meanOf(precision).toFixed(3)}`)
        .join('; ')}`,
      spec: alone(precisionRecallPanel(lines(overlap), { ...plotSize, legend: false }), margins),
    })),
  };
}

/** Methods that look the same in every plot. */
const known: Readonly<Record<string, PrecisionRecallLine['style']>> = {
  teacher: teacherStyle,
  student: aloneStyle,
  kd: kdStyle,
};

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
