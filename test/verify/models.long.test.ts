import { withEngine } from '../support/engine';
import { itAgrees, quickModels, slowModels, slowRuns } from '../support/reference-models';

describe("the deep CIFAR networks against PyTorch's", () => {
  withEngine('native');
  itAgrees(slowModels());
});

describe("resnet8 on the plain engine against PyTorch's", () => {
  withEngine('plain');
  itAgrees(quickModels().filter(({ name }) => name === 'resnet8'));
});

describe("longer training runs against PyTorch's", () => {
  withEngine('native');
  itAgrees(slowRuns());
});
