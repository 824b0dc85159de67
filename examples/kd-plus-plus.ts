// KD and KD++ on a part of the embedded images: a teacher and two students, in half a minute.
// Runs are kept in results/; the same program again only shows them.
import { crossEntropy, kd, loadDataset, normDirection, sweep } from 'norm-direction-lab';

const { cell, compare } = await sweep({
  name: 'example',
  dataset: await loadDataset('fashion-mnist', { subset: { train: 32, test: 20 } }),
  teachers: ['resnet14'],
  students: ['resnet8'],
  methods: {
    kd: [crossEntropy(), kd({ temperature: 4 })],
    'kd++': [crossEntropy(), kd({ temperature: 4 }), normDirection({ weight: 2 })],
  },
  seeds: [1],
  recipe: { epochs: 2, batchSize: 32, learningRate: 0.02 },
});
const pair = { teacher: 'resnet14', student: 'resnet8' } as const;
console.log('top-1 of KD++', cell({ ...pair, method: 'kd++' }).top1.mean);
console.log('points over KD', compare(pair, 'kd++', 'kd').mean);
