import { expect } from 'chai';
import { type Area, placeLabels } from '../../../lib/report/pictures/detection-picture';

describe('labels of boxes', () => {
  const picture = { x: 0, y: 0, width: 200, height: 100 };
  const size = { width: 40, height: 10 };
  const at = (x: number, y: number): Area => ({ x, y, width: 60, height: 30 });

  it('lie above their box, and below it at the picture’s upper edge', () => {
    const [middle, top] = placeLabels([at(20, 50), at(100, 0)], [size, size], picture);
    expect(middle).to.deep.equal({ x: 20, y: 40, ...size });
    expect(top).to.deep.equal({ x: 100, y: 30, ...size });
  });

  it('do not cover each other while there is room', () => {
    const boxes = Array.from({ length: 6 }, () => at(70, 40));
    const places = placeLabels(boxes, Array<typeof size>(6).fill(size), picture);
    const covered = places.flatMap((a, i) =>
      places.filter(
        (b, j) => i < j && a.x < b.x + 40 && b.x < a.x + 40 && a.y < b.y + 10 && b.y < a.y + 10,
      ),
    );
    expect(places).to.have.length(6);
    expect(covered).to.deep.equal([]);
  });

  it('stay inside the picture', () => {
    const [place] = placeLabels([at(180, 95)], [size], picture);
    expect(place).to.deep.equal({ x: 160, y: 85, ...size });
  });
});
