import type { Checksum } from '../download';

/** The tables whose needs are fetched by one command. */
export const fetchedTables = ['table2', 'table3'] as const;
export type FetchedTable = (typeof fetchedTables)[number];

interface CommonNeed {
  /** As `--only` takes it. */
  readonly name: string;
  /** One line: what it is, and whose. */
  readonly what: string;
  /** Of what is fetched: what its publishers say, or about that many. */
  readonly bytes: number;
}

/** A file whose name on a server or among a user's files is `fileName`. */
interface Published {
  readonly url: string;
  readonly fileName: string;
  /** Absent where nobody published one: then that of the first file is noted and held against later ones. */
  readonly checksum?: Checksum | undefined;
}

/** A file that is kept as it is. */
export interface FileNeed extends CommonNeed, Published {
  readonly kind: 'weights' | 'class-means';
  /** Below the data directory. */
  readonly folder: string;
  /** What it is called there, without its ending. A user's own may have any ending. */
  readonly stem: string;
  /** Whether the table cannot be made as the paper's without it. */
  readonly optional?: true;
}

/** An archive of which only the files are kept; `bytes` is its size to the byte. */
export interface ArchiveNeed extends CommonNeed, Published {
  readonly kind: 'archive';
  readonly folder: string;
  /** What is kept of it: a folder of images of this many files, or files by name. */
  readonly keep:
    | { readonly images: string; readonly count: number }
    | { readonly files: readonly string[]; readonly unpackedBytes: number };
}

/** Archives that are given out to those who accept their terms, and are not fetched here. */
export interface AskedNeed extends CommonNeed {
  readonly kind: 'on request';
  readonly folder: string;
  /** Where it is asked for. */
  readonly url: string;
  readonly archives: Readonly<Record<'train' | 'val' | 'devkit', Omit<Published, 'url'>>>;
  readonly classes: number;
  readonly trainImages: number;
  readonly valImagesPerClass: number;
}

export type Need = FileNeed | ArchiveNeed | AskedNeed;

/** Where ImageNet's published weights lie below the data sets. */
export const imageNetTeachersFolder = 'imagenet-teachers';
/** Where detectors and their backbones do. */
export const detectorsFolder = 'detectors';
/** Where the class means of the paper's code do. */
export const classMeansFolder = 'class-means';
/** ImageNet as folders of classes. */
export const imageNetFolder = 'imagenet';
/** COCO as its archives unpack. */
export const cocoFolder = 'coco';

const torchvision = 'https://download.pytorch.org/models/';
const facebook = 'https://dl.fbaipublicfiles.com/';
const huggingFace = 'https://huggingface.co/timm/';
/** The paper's code at the commit that the recipes are of. */
const paperCode =
  'https://raw.githubusercontent.com/WangYZ1608/Knowledge-Distillation-via-ND/fc6f3f9058ed35189a1d3c0a79a7594025e4d88f/';

/** torchvision's names carry the first eight digits of their SHA-256. */
function ofTorchvision(name: string, digits: string): Pick<Published, 'url' | 'checksum'> {
  const url = `${torchvision}${name}-${digits}.pth`;
  return { url, checksum: { algorithm: 'sha256', value: digits } };
}

/** torchvision's first weights. */
function resNet(name: string, digits: string, bytes: number): FileNeed {
  return {
    kind: 'weights',
    name,
    what: 'teacher, torchvision’s first weights',
    bytes,
    ...ofTorchvision(name, digits),
    fileName: `${name}-${digits}.pth`,
    folder: imageNetTeachersFolder,
    stem: name,
  };
}

/** timm 0.6.12's file of the model as its safetensors; nobody published a checksum of those. */
function visionTransformer(name: string, revision: string, bytes: number): FileNeed {
  const form = 'augreg_in21k_ft_in1k';
  return {
    kind: 'weights',
    name,
    what: 'teacher, timm 0.6.12’s weights',
    bytes,
    url: `${huggingFace}${name}.${form}/resolve/${revision}/model.safetensors`,
    fileName: `${name}-${form}.safetensors`,
    folder: imageNetTeachersFolder,
    stem: name,
  };
}

/** The class means that the paper's code read; Git's own names of their content are known. */
function classMeans(name: string, path: string, blob: string, bytes: number): FileNeed {
  return {
    kind: 'class-means',
    name: `class-means-${name}`,
    what: 'class means of the paper’s code, to compare with',
    bytes,
    url: `${paperCode}${path}`,
    fileName: `${name}.json`,
    checksum: { algorithm: 'git', value: blob },
    folder: classMeansFolder,
    stem: name,
    optional: true,
  };
}

function imageNetClassMeans(name: string, place: string, blob: string, bytes: number): FileNeed {
  return classMeans(name, `ImageNet/${place}/center_emb_train.json`, blob, bytes);
}

/** Detectors and backbones lie under the names of the detectors here, whatever they were published as. */
function detectorFile(
  stem: string,
  what: string,
  bytes: number,
  { url, checksum }: Pick<Published, 'url' | 'checksum'>,
): FileNeed {
  const fileName = url.slice(url.lastIndexOf('/') + 1);
  const folder = detectorsFolder;
  return { kind: 'weights', name: stem, what, bytes, url, fileName, checksum, folder, stem };
}

/** detectron2's names carry the first six digits of their MD5. */
function detectron(path: string): Pick<Published, 'url' | 'checksum'> {
  const digits = /_([0-9a-f]{6})\.pkl$/.exec(path)?.[1] ?? '';
  const url = `${facebook}detectron2/COCO-Detection/${path}`;
  return { url, checksum: { algorithm: 'md5', value: digits } };
}

const coco = 'http://images.cocodataset.org/';

function cocoImages(
  split: 'train' | 'val',
  count: number,
  bytes: number,
  md5: string,
): ArchiveNeed {
  const name = `${split}2017`;
  return {
    kind: 'archive',
    name,
    what: `COCO 2017, ${count.toLocaleString('en')} images`,
    bytes,
    url: `${coco}zips/${name}.zip`,
    fileName: `${name}.zip`,
    checksum: { algorithm: 'md5', value: md5 },
    folder: cocoFolder,
    keep: { images: name, count },
  };
}

const imageNet: AskedNeed = {
  kind: 'on request',
  name: 'imagenet',
  what: 'ImageNet (ILSVRC 2012), 1,000 classes',
  bytes: 147_897_477_120 + 6_744_924_160 + 2_568_145,
  folder: imageNetFolder,
  url: 'https://image-net.org/download.php',
  archives: {
    train: {
      fileName: 'ILSVRC2012_img_train.tar',
      checksum: { algorithm: 'md5', value: '1d675b47d978889d74fa0da5fadfb00e' },
    },
    val: {
      fileName: 'ILSVRC2012_img_val.tar',
      checksum: { algorithm: 'md5', value: '29b22e2961454d5413ddabcf34fc5622' },
    },
    devkit: {
      fileName: 'ILSVRC2012_devkit_t12.tar.gz',
      checksum: { algorithm: 'md5', value: 'fa75699e90414af021442c21a62c3abf' },
    },
  },
  classes: 1000,
  trainImages: 1_281_167,
  valImagesPerClass: 50,
};

/**
 * What each table needs at the paper's scale. `docs/data.md` says where each address, size and checksum was
 * read, and when.
 */
export const tableNeeds: Readonly<Record<FetchedTable, readonly Need[]>> = {
  table2: [
    resNet('resnet34', 'b627a593', 87_319_819),
    resNet('resnet50', '0676ba61', 102_530_333),
    resNet('resnet101', '63fe2227', 178_793_939),
    resNet('resnet152', '394f9c45', 241_627_721),
    visionTransformer('vit_small_patch16_224', 'main', 88_200_000),
    visionTransformer(
      'vit_base_patch16_224',
      'b5b38b8f7dd93ce67d12e356a8771556b95c8cf9',
      346_000_000,
    ),
    {
      kind: 'weights',
      name: 'regnety_160',
      what: 'teacher, DeiT’s weights of RegNetY-16GF',
      bytes: 335_000_000,
      url: `${facebook}deit/regnety_160-a5fe301d.pth`,
      fileName: 'regnety_160-a5fe301d.pth',
      checksum: { algorithm: 'sha256', value: 'a5fe301d' },
      folder: imageNetTeachersFolder,
      stem: 'regnety_160',
    },
    imageNet,
    imageNetClassMeans(
      'resnet34',
      'ckpt/teacher/resnet34',
      'fbe504f1d726fa6cb5b4f5d1da5d09a9f8d85208',
      4_500_000,
    ),
    imageNetClassMeans(
      'resnet50',
      'ckpt/teacher/resnet50',
      'a26fe7ac6eb93223ba74ba11cb11e365810b3806',
      17_000_000,
    ),
    imageNetClassMeans(
      'resnet101',
      'ckpt/teacher/resnet101',
      '94cf0030a9eabdd0d8800a042ad9f99abee69467',
      17_000_000,
    ),
    imageNetClassMeans(
      'resnet152',
      'ckpt/teacher/resnet152',
      'e7325c020d3976eb885743171de11e8cd8b20208',
      17_000_000,
    ),
    imageNetClassMeans(
      'vit_small_patch16_224',
      'ViT/ckpt/vits',
      '76bf3c2cac28a03f277689091b3ee02bc9ae1370',
      3_500_000,
    ),
    imageNetClassMeans(
      'vit_base_patch16_224',
      'ViT/ckpt/vitb',
      '8b640bc1b6d27b885c69abf754e4a87abeb797b6',
      7_000_000,
    ),
    imageNetClassMeans(
      'regnety_160',
      'ckpt/teacher/regnety160',
      '76e0828596f383a2bdfa8664a775ddc73479678c',
      25_000_000,
    ),
  ],
  table3: [
    detectorFile(
      'r101-fpn',
      'teacher R101-FPN 3x, detectron2’s',
      243_000_000,
      detectron('faster_rcnn_R_101_FPN_3x/137851257/model_final_f6e8b1.pkl'),
    ),
    detectorFile(
      'r50-fpn',
      'teacher R50-FPN 3x, detectron2’s',
      167_000_000,
      detectron('faster_rcnn_R_50_FPN_3x/137849458/model_final_280758.pkl'),
    ),
    detectorFile(
      'r18-fpn-backbone',
      'what R18-FPN begins with, torchvision’s ResNet-18',
      46_830_571,
      ofTorchvision('resnet18', 'f37072fd'),
    ),
    detectorFile('r50-fpn-backbone', 'what R50-FPN begins with, MSRA’s ResNet-50', 102_500_000, {
      url: `${facebook}detectron2/ImageNetPretrained/MSRA/R-50.pkl`,
    }),
    detectorFile(
      'mobilenet_v2-fpn-backbone',
      'what MobileNetV2-FPN begins with, torchvision’s',
      14_212_972,
      ofTorchvision('mobilenet_v2', 'b0353104'),
    ),
    cocoImages('train', 118_287, 19_336_861_798, 'cced6f7f71b7629ddf16f17bbcfab6b2'),
    cocoImages('val', 5000, 815_585_330, '442b8da7639aecaf257c1dceb8ba8c80'),
    {
      kind: 'archive',
      name: 'annotations',
      what: 'COCO 2017, the objects of both splits',
      bytes: 252_907_541,
      url: `${coco}annotations/annotations_trainval2017.zip`,
      fileName: 'annotations_trainval2017.zip',
      checksum: { algorithm: 'md5', value: 'f4bbac642086de4f52a3fdda2de5fa2c' },
      folder: cocoFolder,
      keep: {
        files: ['annotations/instances_train2017.json', 'annotations/instances_val2017.json'],
        unpackedBytes: 470_000_000,
      },
    },
    classMeans(
      'r101-fpn',
      'Detection/configs/Center/R101_emb.json',
      '1ee73559528b3de201606067fadb313f6298abcc',
      1_319_200,
    ),
    classMeans(
      'r50-fpn',
      'Detection/configs/Center/R50_emb.json',
      'aa004498558ce560786b794e64453334c606c559',
      1_319_523,
    ),
  ],
};
