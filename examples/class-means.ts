// Class means of a teacher over a training set, and how long its features are. Its weights are drawn here;
// those of a trained one come from a file: model.loadStateDict(await readWeights('teacher.pth')).
import {
  computeClassMeans,
  createModel,
  evaluate,
  hashStateDict,
  loadDataset,
  startEngine,
} from 'norm-direction-lab';

await startEngine();
const dataset = await loadDataset('fashion-mnist', { subset: { train: 10, test: 10 } });
const model = createModel('resnet20', { classes: dataset.classes.length, seed: 1 });
const teacherHash = hashStateDict(model.stateDict()); // class means belong to these very weights
const { means, dimension } = computeClassMeans(model, dataset, { teacherHash });
dataset.classes.forEach((name, index) => {
  const own = means.subarray(index * dimension, (index + 1) * dimension);
  console.log(name, Math.hypot(...own).toFixed(3));
});
const { top1, embeddingNorm } = evaluate(
  (images) => model.forward(images, { training: false }),
  dataset,
);
console.log(`top-1 ${top1.toFixed(1)} %, mean norm ${embeddingNorm.toFixed(3)}`);
