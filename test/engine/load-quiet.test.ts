import { expect } from 'chai';
import { withoutChatter } from '../../lib/engine/load-binding';

describe("the filter of TensorFlow's log", () => {
  it('drops information and warnings, and keeps errors and what others write', () => {
    const log = [
      'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR',
      'I0000 00:00:1795474355.425075   20182 port.cc:153] oneDNN custom operations are on.',
      'W0000 00:00:1795474355.425075   20182 some.cc:1] a warning',
      'E0000 00:00:1795474128.377628   15026 cuda_platform.cc:52] failed call to cuInit',
      'a line of somebody else',
      '',
    ];
    expect(withoutChatter(log.join('\n'))).to.equal(
      'E0000 00:00:1795474128.377628   15026 cuda_platform.cc:52] failed call to cuInit\na line of somebody else\n',
    );
    expect(withoutChatter('')).to.equal('');
  });
});
