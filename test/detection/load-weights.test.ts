import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Detector } from '../../lib/detection/detector';
import { fromCaffe2, loadDetectorWeights } from '../../lib/detection/weights';
import { writeSafetensors } from '../../lib/formats/safetensors';
import type { StateEntry } from '../../lib/nn/state';
import { deterministic } from '../../lib/verify/deterministic';
import { tinyDetector } from '../support/detector';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { python2Pickle, type Python2Value } from '../support/python2-pickle';

type Entries = Map<string, StateEntry>;

/** The detector's own names with numbers that follow from them. */
function numbered(detector: Detector): Entries {
  return new Map(
    [...detector.stateDict()].map(([name, { shape }]) => {
      const data = deterministic(name, shape, 1, name.endsWith('running_var') ? 2 : 0);
      return [name, { shape, data }];
    }),
  );
}

function arrays(entries: Entries): Map<string, Python2Value> {
  return new Map([...entries].map(([name, { shape, data }]) => [name, { shape, floats: data }]));
}

const bottomUp = 'backbone.bottom_up.';

describe('loading a detector', () => {
  withEngine('native');
  const folder = withFolder();
  let detector: Detector;
  beforeEach(() => (detector = tinyDetector({ norm: 'frozen' })));
  afterEach(() => {
    detector.dispose();
  });

  function write(value: Python2Value): string {
    const path = join(folder(), 'model.pkl');
    writeFileSync(path, python2Pickle(value));
    return path;
  }

  it('takes a .pkl of detectron2’s model zoo', async () => {
    const entries = numbered(detector);
    const model = arrays(entries);
    model.set('proposal_generator.anchor_generator.cell_anchors.0', {
      shape: [3, 4],
      floats: new Float32Array(12),
    });
    const path = write(
      new Map<string, Python2Value>([
        ['model', model],
        ['__author__', 'Detectron2 Model Zoo'],
      ]),
    );
    const { loaded, missing, unused } = await loadDetectorWeights(detector, path);
    expect(loaded.length).to.equal(entries.size);
    expect(missing).to.deep.equal([]);
    expect(unused).to.deep.equal(['proposal_generator.anchor_generator.cell_anchors.0']);
    expect(detector.stateDict()).to.deep.equal(entries);
    // With a checksum noted beside it, it must be the file that was fetched.
    writeFileSync(`${path}.sha256`, `${'0'.repeat(64)}  model.pkl\n`);
    const { what } = await faultOf(() => loadDetectorWeights(detector, path));
    expect(what).to.equal('a file is not the one whose checksum is noted beside it');
  });

  it('takes a backbone under Caffe2’s names, whose norms are a scale and a shift', async () => {
    const entries = numbered(detector);
    const stored: Entries = new Map();
    for (const [name, entry] of entries) {
      if (!name.startsWith(bottomUp) || name.includes('running')) continue;
      stored.set(caffe2Name(name.slice(bottomUp.length)), entry);
    }
    expect([...stored.keys()]).to.include.members([
      'conv1_w',
      'res_conv1_bn_s',
      'res_conv1_bn_b',
      'res2_0_branch2a_w',
      'res2_0_branch2b_bn_s',
      'res3_0_branch1_w',
      'res3_0_branch1_bn_b',
    ]);
    const path = write(
      new Map<string, Python2Value>([
        [
          'blobs',
          new Map<string, Python2Value>([
            ...arrays(stored),
            ['conv1_w_momentum', { shape: [1], floats: new Float32Array(1) }],
            ['fc1000_w', { shape: [1], floats: new Float32Array(1) }],
            ['cfg', 'some text'],
          ]),
        ],
      ]),
    );
    const before = detector.stateDict();
    const { missing, unused } = await loadDetectorWeights(detector, path, 'backbone');
    expect(unused).to.deep.equal(['fc1000.weight']);
    expect(missing.every((name) => !name.startsWith(bottomUp))).to.equal(true);
    for (const [name, entry] of detector.stateDict()) {
      if (!name.startsWith(bottomUp)) expect(entry, name).to.deep.equal(before.get(name));
      else if (name.endsWith('running_mean')) expect(Math.max(...entry.data)).to.equal(0);
      else if (name.endsWith('running_var')) expect(entry.data[0]).to.be.closeTo(1 - 1e-5, 1e-7);
      else expect(entry, name).to.deep.equal(entries.get(name));
    }
  });

  it('takes Caffe2’s names in detectron2’s form, where the author is Caffe2', async () => {
    const stored: Entries = new Map();
    for (const [name, entry] of numbered(detector)) {
      if (!name.startsWith(bottomUp) || name.includes('running')) continue;
      stored.set(caffe2Name(name.slice(bottomUp.length)), entry);
    }
    const path = write(
      new Map<string, Python2Value>([
        ['model', arrays(stored)],
        ['__author__', 'Caffe2'],
      ]),
    );
    const { loaded, unused } = await loadDetectorWeights(detector, path, 'backbone');
    const read = loaded.filter((name) => !name.includes('running'));
    expect([read.length, unused]).to.deep.equal([stored.size, []]);
  });

  it('takes Caffe2’s names of a whole detector, the background moved from the first place to the last', () => {
    const rows = (count: number): StateEntry => ({
      shape: [count],
      data: Float32Array.from({ length: count }, (_, i) => i),
    });
    const named = fromCaffe2(
      new Map([
        ['cls_score_b', rows(3)],
        ['bbox_pred_b', rows(12)],
        ['conv_rpn_fpn2_w', rows(1)],
        ['rpn_cls_logits_fpn2_b', rows(3)],
        ['rpn_bbox_pred_fpn2_w', rows(12)],
        ['fc6_w', rows(1)],
        ['fc7_b', rows(1)],
        ['fpn_inner_res5_2_sum_w', rows(1)],
        ['fpn_inner_res4_22_sum_lateral_b', rows(1)],
        ['fpn_res2_2_sum_w', rows(1)],
      ]),
    );
    expect([...named.keys()]).to.deep.equal([
      'roi_heads.box_predictor.cls_score.bias',
      'roi_heads.box_predictor.bbox_pred.bias',
      'proposal_generator.rpn_head.conv.weight',
      'proposal_generator.rpn_head.objectness_logits.bias',
      'proposal_generator.rpn_head.anchor_deltas.weight',
      'roi_heads.box_head.fc1.weight',
      'roi_heads.box_head.fc2.bias',
      'backbone.fpn_lateral5.weight',
      'backbone.fpn_lateral4.bias',
      'backbone.fpn_output2.weight',
    ]);
    const data = (name: string): number[] => [...(named.get(name)?.data ?? [])];
    expect(data('roi_heads.box_predictor.cls_score.bias')).to.deep.equal([1, 2, 0]);
    expect(data('roi_heads.box_predictor.bbox_pred.bias')).to.deep.equal([
      4, 5, 6, 7, 8, 9, 10, 11,
    ]);
    expect(data('proposal_generator.rpn_head.anchor_deltas.weight').length).to.equal(12);
  });

  it('takes torchvision’s names of a ResNet and of MobileNetV2', async () => {
    for (const backbone of ['resnet18', 'mobilenetv2'] as const) {
      const model = tinyDetector({ backbone, norm: 'frozen' });
      const entries = numbered(model);
      const stored: Entries = new Map();
      for (const [name, entry] of entries) {
        if (!name.startsWith(bottomUp)) continue;
        const own = name.slice(bottomUp.length);
        stored.set(backbone === 'resnet18' ? torchvisionName(own) : nestedName(own), entry);
      }
      const path = join(folder(), `${backbone}.safetensors`);
      writeSafetensors(path, stored);
      const { unused } = await loadDetectorWeights(model, path, 'backbone');
      expect(unused).to.deep.equal([]);
      for (const [name, entry] of model.stateDict()) {
        if (name.startsWith(bottomUp)) expect(entry, name).to.deep.equal(entries.get(name));
      }
      model.dispose();
    }
  });

  it('names what is missing or of another shape, and changes nothing', async () => {
    const before = detector.stateDict();
    const entries = numbered(detector);
    const name = 'roi_heads.box_head.fc2.weight';
    entries.delete(name);
    const zoo = (model: Entries): string =>
      write(
        new Map<string, Python2Value>([
          ['model', arrays(model)],
          ['__author__', 'someone'],
        ]),
      );
    const missing = await faultOf(() => loadDetectorWeights(detector, zoo(entries)));
    expect(missing.found).to.equal(`no '${name}'`);
    entries.set(name, { shape: [2, 2], data: new Float32Array(4) });
    const other = await faultOf(() => loadDetectorWeights(detector, zoo(entries)));
    expect(other.found).to.include(`'${name}' of shape [2, 2] where [32, 32] belongs`);
    expect(detector.stateDict()).to.deep.equal(before);
  });

  it('runs no code of a pickle', async () => {
    const proof = join(folder(), 'proof');
    const path = join(folder(), 'bad.pkl');
    writeFileSync(
      path,
      `\x80\x02}(X\x05\x00\x00\x00modelcposix\nsystem\nX${String.fromCharCode(6 + proof.length)}\x00\x00\x00touch ${proof}\x85Ru.`,
      'latin1',
    );
    const fault = await faultOf(() => loadDetectorWeights(detector, path));
    expect(fault.found).to.include('posix.system');
    expect(existsSync(proof)).to.equal(false);
  });

  it('refuses a pickle of something else, and a missing file', async () => {
    const list = await faultOf(() => loadDetectorWeights(detector, write([1, 2])));
    expect(list.found).to.equal('a pickle that is not a dict');
    const empty = await faultOf(() => loadDetectorWeights(detector, write(new Map([['a', 'b']]))));
    expect(empty.found).to.equal('no array');
    const missing = await faultOf(() => loadDetectorWeights(detector, join(folder(), 'no.pkl')));
    expect(missing.found).to.equal('no such file');
  });
});

function caffe2Name(name: string): string {
  return name
    .replace(/^stem\.conv1\.norm\./, 'res.conv1.bn.')
    .replace(/^stem\./, '')
    .replace('.shortcut', '.branch1')
    .replace(/\.conv1(?=\.)(?!\.bn)/, (found, at: number) => (at === 3 ? found : '.branch2a'))
    .replace('.conv2', '.branch2b')
    .replace(/\.norm\./, '.bn.')
    .replace(/branch(\w+)\.bn/, 'branch$1.bn')
    .replace(/bn\.weight$/, 'bn.s')
    .replace(/bn\.bias$/, 'bn.b')
    .replace(/weight$/, 'w')
    .replaceAll('.', '_');
}

function torchvisionName(name: string): string {
  return name
    .replace(/^stem\.conv1\.norm/, 'bn1')
    .replace(/^stem\./, '')
    .replace(/^res(\d)/, (_, stage: string) => `layer${Number(stage) - 1}`)
    .replace('shortcut.norm', 'downsample.1')
    .replace('shortcut', 'downsample.0')
    .replace(/conv(\d)\.norm/, 'bn$1');
}

function nestedName(name: string): string {
  return name.replace(/^features\.(\d+)\.conv\.(\d)\./, (_, block: string, place: string) => {
    const units = block === '1' ? 1 : 2;
    const index = Number(place);
    const unit = Math.floor(index / 3);
    const inner = unit < units ? `${unit}.${index % 3}` : String(units + (index % 3));
    return `features.${block}.conv.${inner}.`;
  });
}
