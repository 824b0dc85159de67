import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findPaperNumber, paperGain, paperTable, paperTableNames } from '../lib/paper';

describe('the paper’s numbers', () => {
  it('are in tables that fit their schema, one for each file', () => {
    const files = readdirSync(join(__dirname, '..', 'results', 'paper'));
    expect(paperTableNames).to.have.length(files.length);
    for (const name of paperTableNames) {
      const table = paperTable(name);
      expect(table.id).to.equal(name);
      // What was not read in the paper is either not known or said to be second hand.
      if (table.confirmed) continue;
      const known = table.rows.flatMap(({ values, notes }) =>
        Object.entries(values).flatMap(([pair, value]) =>
          value === null ? [] : (notes?.[pair] ?? table.source),
        ),
      );
      for (const source of known) expect(source).to.match(/^second hand: /);
    }
  });

  it('of COCO are ReviewKD++’s, and of larger students KD++’s, second hand', () => {
    const pair = 'r101-fpn:r18-fpn';
    for (const [metric, value] of [
      ['AP', 37.43],
      ['AP50', 57.96],
      ['AP75', 40.15],
    ] as const) {
      expect(findPaperNumber({ table: 'table3', pair, method: 'reviewkd++', metric })).to.include({
        ...{ value, confirmed: false },
      });
    }
    const table = 'larger-students';
    expect(findPaperNumber({ table, pair: 'resnet152:resnet101', method: 'kd++' })?.value).to.equal(
      79.15,
    );
  });

  it('of table 1 are fifteen rows on six pairs, none unknown', () => {
    const { rows, pairs, setting } = paperTable('table1');
    expect(pairs).to.have.length(6);
    expect(rows).to.have.length(15);
    expect(rows.flatMap((row) => Object.values(row.values))).not.to.include(null);
    expect(setting).to.include({ dataset: 'cifar100', epochs: 240, batchSize: 128 });
  });

  it('come with their source and what must be said of a cell', () => {
    const table = 'table1';
    const plain = findPaperNumber({ table, pair: 'wrn_40_2:wrn_40_1', method: 'kd++' });
    expect(plain?.value).to.equal(74.59);
    expect(plain?.source).to.include('d74c2ce');
    expect(plain?.note).to.equal(undefined);
    const dkd = findPaperNumber({ table, pair: 'resnet32x4:resnet8x4', method: 'dkd' });
    expect(dkd?.value).to.equal(75.44);
    expect(dkd?.note).to.include('76.32');
    const kd = findPaperNumber({ table, pair: 'ResNet50:MobileNetV2', method: 'kd' });
    expect(kd?.value).to.equal(67.65);
    expect(kd?.note).to.include('67.35');
  });

  it('are null where they are not known, and say so', () => {
    const cell = {
      table: 'table3',
      pair: 'r101-fpn:r18-fpn',
      method: 'kd++',
      metric: 'APl',
    } as const;
    expect(findPaperNumber(cell)).to.include({ value: null, confirmed: false });
    expect(findPaperNumber(cell)?.source).to.include('not found');
    expect(findPaperNumber({ table: 'ablation', pair: 'unknown', method: 'nd' })?.value).to.equal(
      null,
    );
  });

  it('are none for a metric that their table has not', () => {
    const cell = { table: 'table3', pair: 'r101-fpn:r18-fpn', method: 'kd++' } as const;
    expect(findPaperNumber({ ...cell, metric: 'AP50' })).to.include({ value: null });
    expect(findPaperNumber({ ...cell, metric: 'AR1' })).to.equal(null);
  });

  it('give the gains they print: 72.53 − 70.66 = 1.87', () => {
    const cell = { table: 'table1', pair: 'resnet56:resnet20', method: 'kd++' } as const;
    expect(paperGain(cell, 'kd')).to.equal(1.87);
    expect(paperGain(cell, 'student')).to.equal(3.47);
    expect(paperGain({ ...cell, pair: 'resnet20:resnet8' }, 'kd')).to.equal(null);
  });

  it('are none for a pair that is not there', () => {
    const cell = { table: 'table1', pair: 'resnet56:resnet20', method: 'kd++' } as const;
    expect(findPaperNumber({ ...cell, pair: 'resnet20:resnet8' })).to.equal(null);
  });
});
