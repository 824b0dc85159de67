"""The loading that `npm run bench -- --data` times, in PyTorch: torchvision's ImageFolder and transforms in a DataLoader.

The images of FOLDER/train, random resized crop, flip, tensor, normalisation; batches in `--workers` processes.
It prints one JSON object when it is ready, then answers each line of standard input with the time of one pass
over `--images` of them, in an order of its own, and the memory of its processes. It ends with its input.
"""

import argparse
import json
import os
import sys
import time

try:
    import torch
    import torchvision
    from torchvision import transforms
except ImportError as error:
    print(json.dumps({"error": "no torchvision", "detail": str(error)}))
    sys.exit(3)

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def loader(arguments):
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(arguments.size),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    images = torchvision.datasets.ImageFolder(os.path.join(arguments.data, "train"), transform)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    part = torch.utils.data.Subset(images, order[: arguments.images].tolist())
    return torch.utils.data.DataLoader(
        part,
        batch_size=arguments.batch,
        shuffle=True,
        num_workers=arguments.workers,
        persistent_workers=arguments.workers > 0,
    )


def memory_of(process):
    """Memory of one process in MiB, with its share of what it has in common with others; 0 where unknown."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except OSError:
        return 0


def children_of(process):
    try:
        with open(f"/proc/{process}/task/{process}/children") as line:
            return [int(child) for child in line.read().split()]
    except OSError:
        return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--images", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    batches = loader(arguments)
    greeting = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    print(json.dumps(greeting), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        count = sum(len(labels) for _, labels in batches)
        seconds = time.perf_counter() - started
        memory = sum(memory_of(process) for process in [os.getpid(), *children_of(os.getpid())])
        print(json.dumps({"images": count, "seconds": seconds, "memoryMiB": round(memory)}), flush=True)


if __name__ == "__main__":
    main()
