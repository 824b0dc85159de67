import { textOutline, textWidth } from './font';
import { type Area, placeLabels } from './place-labels';

/** How a box is drawn: `thick` for what was found or is there, `dashed` for what is wrong, `dotted` for what was missed. */
export type BoxLine = 'thick' | 'dashed' | 'dotted';

/** A box of a panel, in the panel's own pixels. */
export interface PanelBox extends Area {
  /** None where it is empty. */
  readonly label: string;
  readonly colour: string;
  readonly line: BoxLine;
}

/** How large lines and letters are, in pixels. */
export interface PanelLook {
  readonly text: number;
  readonly line: number;
}

/**
 * Boxes with their labels as SVG, to lie over an image: a dark edge on both sides of each line, so that it
 * can be seen on any ground, and labels with black letters on the box's own colour.
 *
 * @param boxes in the order of importance: the first ones are drawn last and choose their label's place first
 */
export function panelOverlay(boxes: readonly PanelBox[], panel: Area, look: PanelLook): string {
  const labelled = boxes.filter(({ label }) => label !== '');
  const pad = Math.round(look.text / 4);
  const sizes = labelled.map(({ label }) => ({
    width: Math.ceil(textWidth(label, { size: look.text, isBold: true })) + 2 * pad,
    height: Math.round(look.text * 1.35),
  }));
  const places = placeLabels(labelled, sizes, panel);
  const labels = labelled.map(({ label, colour }, index) => {
    const { x, y, width, height } = places[index] ?? panel;
    const letters = textOutline(label, x + pad, y + look.text * 1.02, {
      size: look.text,
      isBold: true,
    });
    return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/><path d="${letters}" fill="#000"/>`;
  });
  const lines = boxes.map((box) => outline(box, look.line));
  return [...lines.reverse(), ...labels.reverse()].join('\n');
}

function outline({ x, y, width, height, colour, line }: PanelBox, thickness: number): string {
  const shape = `x="${x}" y="${y}" width="${Math.max(1, width)}" height="${Math.max(1, height)}" fill="none"`;
  const wide = line === 'dotted' ? Math.max(1.5, thickness / 2) : thickness;
  const dash = {
    thick: '',
    dashed: ` stroke-dasharray="${3 * thickness} ${2 * thickness}"`,
    dotted: ` stroke-dasharray="${thickness} ${thickness}"`,
  }[line];
  return `<rect ${shape} stroke="#000" stroke-opacity="0.65" stroke-width="${wide + 2}"/><rect ${shape} stroke="${colour}" stroke-width="${wide}"${dash}/>`;
}
