import { expect } from 'chai';
import {
  basesOf,
  familyOf,
  inRowOrder,
  isPublished,
  labelOf,
  paperMethodOf,
  rowOrder,
  shortLabelOf,
  studentOf,
} from '../../lib/report/methods';

describe('the rows of table 1', () => {
  it('are the paper’s, those with a ++ in both recipes, the published one first', () => {
    const order = rowOrder();
    // 15 rows in the paper; student, kd, dkd, dist and reviewkd stand twice.
    expect(order).to.have.length(20);
    expect(order.slice(0, 4)).to.deep.equal(['teacher', 'student-published', 'student', 'fitnet']);
    expect(order.indexOf('kd')).to.equal(order.indexOf('kd-published') + 1);
    expect(inRowOrder(['mine', 'kd++', 'kd', 'another'])).to.deep.equal([
      'kd',
      'kd++',
      'another',
      'mine',
    ]);
  });

  it('carry the paper’s number in the recipe that it was made with', () => {
    const numbers = [
      'kd-published',
      'kd',
      'kd++',
      'student-published',
      'student',
      'crd',
      'teacher',
    ];
    expect(numbers.map(paperMethodOf)).to.deep.equal([
      'kd',
      null,
      'kd++',
      'student',
      null,
      'crd',
      'teacher',
    ]);
  });

  it('have two bases with ++, and none without', () => {
    expect(basesOf('reviewkd++')).to.deep.equal(['reviewkd', 'reviewkd-published']);
    expect(basesOf('mine++')).to.deep.equal(['mine', 'mine-published']);
    for (const method of ['kd', 'kd-published', 'fitnet', '++', 'student']) {
      expect(basesOf(method), method).to.deep.equal([]);
    }
    expect(['kd', 'kd-published', 'kd++'].map(familyOf)).to.deep.equal(['kd', 'kd', 'kd']);
  });

  it('stand beside the student alone in their own recipe', () => {
    for (const method of ['kd', 'kd++', 'mine']) expect(studentOf(method)).to.equal('student');
    for (const method of ['kd-published', 'fitnet', 'crd']) {
      expect(studentOf(method), method).to.equal('student-published');
    }
    for (const method of ['student', 'student-published', 'teacher']) {
      expect(studentOf(method), method).to.equal(null);
    }
    expect(isPublished('teacher')).to.equal(false);
  });

  it('are named with their recipe where there are two', () => {
    expect(labelOf('kd')).to.equal('KD (recipe of KD++, ND 0)');
    expect(labelOf('kd-published')).to.equal('KD (published recipe)');
    expect(labelOf('kd++')).to.equal('KD++');
    expect(labelOf('ofd')).to.equal('OFD');
    expect(labelOf('mine')).to.equal('mine');
    expect(['dist', 'dist-published', 'student'].map(shortLabelOf)).to.deep.equal([
      'DIST, ND 0',
      'DIST, published',
      'Student',
    ]);
  });
});
