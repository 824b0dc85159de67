"""The work that `npm run bench` times, in PyTorch: one KD++ training step, a detector's, or the ND loss sample by sample.

Written from the definitions (the networks' papers, arXiv 2305.17007 for the loss), those of the paper's ResNets with
the state-dict names of the published checkpoints; others are in torch_networks.py. Random images, channels last, SGD
with Nesterov.

It prints one JSON object when it is ready, then reads lines with a number of steps from standard input and
answers each with the milliseconds of those steps. It ends with its input.
"""

import argparse
import json
import re
import resource
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    print(json.dumps({"error": "no torch", "detail": str(error)}))
    sys.exit(3)

from torch_networks import build_other

CLASSES = 100


def convolution(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = convolution(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        hidden = functional.relu(self.bn1(self.conv1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(self.bn2(self.conv2(hidden)) + shortcut)


class ResNet(nn.Module):
    """Depth 6n + 2 for 32 x 32 images; `channels` of the stem and the three stages."""

    def __init__(self, depth, channels):
        super().__init__()
        stem, *stages = channels
        self.conv1 = convolution(3, stem, 3)
        self.bn1 = nn.BatchNorm2d(stem)
        inputs = stem
        for index, outputs in enumerate(stages):
            blocks = []
            for place in range((depth - 2) // 6):
                blocks.append(BasicBlock(inputs, outputs, 2 if index > 0 and place == 0 else 1))
                inputs = outputs
            setattr(self, f"layer{index + 1}", nn.Sequential(*blocks))
        self.embedding_size = inputs
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, images):
        x = functional.relu(self.bn1(self.conv1(images)))
        x = self.layer3(self.layer2(self.layer1(x)))
        embedding = x.mean((2, 3))
        return self.fc(embedding), embedding


class PreActivationBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = convolution(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = convolution(outputs, outputs, 3)
        self.convShortcut = None if inputs == outputs else convolution(inputs, outputs, 1, stride)

    def forward(self, x):
        activated = functional.relu(self.bn1(x))
        branch = self.conv2(functional.relu(self.bn2(self.conv1(activated))))
        return branch + (x if self.convShortcut is None else self.convShortcut(activated))


class Stage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.layer = nn.Sequential(*blocks)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    """Depth 6n + 4; stages of 16, 32 and 64 channels times `width`."""

    def __init__(self, depth, width):
        super().__init__()
        self.conv1 = convolution(3, 16, 3)
        inputs = 16
        for index, outputs in enumerate((16 * width, 32 * width, 64 * width)):
            blocks = []
            for place in range((depth - 4) // 6):
                blocks.append(PreActivationBlock(inputs, outputs, 2 if index > 0 and place == 0 else 1))
                inputs = outputs
            setattr(self, f"block{index + 1}", Stage(blocks))
        self.bn1 = nn.BatchNorm2d(inputs)
        self.embedding_size = inputs
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, images):
        x = self.block3(self.block2(self.block1(self.conv1(images))))
        embedding = functional.relu(self.bn1(x)).mean((2, 3))
        return self.fc(embedding), embedding


def build(name, classes):
    """The network of this name; None for one that is not written here."""
    residual = re.fullmatch(r"resnet(\d+)(x4)?", name)
    # Depths of both families differ: 6n + 2 for images of 32, those of torchvision for others.
    if residual and (int(residual[1]) - 2) % 6 == 0 and classes == CLASSES:
        channels = (32, 64, 128, 256) if residual[2] else (16, 16, 32, 64)
        return ResNet(int(residual[1]), channels)
    wide = re.fullmatch(r"wrn_(\d+)_(\d+)", name)
    return WideResNet(int(wide[1]), int(wide[2])) if wide else build_other(name, classes)


def adapter(student_size, teacher_size):
    """The student's embedding in the teacher's space, where their sizes differ."""
    if student_size == teacher_size:
        return nn.Identity()
    return nn.Sequential(nn.BatchNorm1d(student_size), nn.Dropout(0.5), nn.Linear(student_size, teacher_size))


def norm_direction(student, teacher, labels, directions):
    norms = torch.maximum(student.norm(dim=1), teacher.norm(dim=1))
    return (1 - (student * directions[labels]).sum(1) / norms).mean()


def norm_direction_by_sample(student, teacher, labels, means):
    """The same loss in a loop over the samples, as the authors' code computes it."""
    total = 0.0
    for row, label in enumerate(labels.tolist()):
        direction = means[label] / means[label].norm()
        norm = torch.maximum(student[row].norm(), teacher[row].norm())
        total = total + 1 - torch.dot(student[row], direction) / norm
    return total / len(labels)


def knowledge_distillation(student, teacher, temperature=4.0):
    """Softened Kullback-Leibler divergence, times the squared temperature."""
    log_student = functional.log_softmax(student / temperature, 1)
    soft_teacher = functional.softmax(teacher / temperature, 1)
    return functional.kl_div(log_student, soft_teacher, reduction="batchmean") * temperature**2


def fused(kind, parameters, **options):
    """An optimiser that updates all parameters at once, where this PyTorch has it."""
    try:
        return kind(parameters, fused=True, **options)
    except (RuntimeError, TypeError):
        return kind(parameters, **options)


class KdPlusPlus:
    """Networks, losses and optimiser of a KD++ step."""

    def __init__(self, teacher, student, classes, device, autocast):
        self.teacher = teacher.to(device, memory_format=torch.channels_last).eval()
        self.student = student.to(device, memory_format=torch.channels_last).train()
        self.adapter = adapter(student.embedding_size, teacher.embedding_size).to(device).train()
        self.directions = functional.normalize(torch.rand(classes, teacher.embedding_size, device=device))
        self.device = device
        self.autocast = autocast
        self.optimizer = self.optimizer_of([*self.student.parameters(), *self.adapter.parameters()])

    def optimizer_of(self, parameters):
        return fused(torch.optim.SGD, parameters, lr=1e-3, momentum=0.9, weight_decay=5e-4, nesterov=True)

    def losses(self, images, labels):
        """Cross entropy, KD and ND, without their weights."""
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.autocast):
            with torch.no_grad():
                teacher_logits, teacher_embedding = self.teacher(images)
            logits, embedding = self.student(images)
        embedding = self.adapter(embedding.float())
        logits = logits.float()
        return (
            functional.cross_entropy(logits, labels),
            knowledge_distillation(logits, teacher_logits.float()),
            norm_direction(embedding, teacher_embedding.float(), labels, self.directions),
        )

    def total(self, images, labels):
        cross_entropy, kd, nd = self.losses(images, labels)
        return cross_entropy + kd + 2.0 * nd


class DeitPlusPlus(KdPlusPlus):
    """A DeiT++ step: labels and class means mixed with those of other images, the second token taught the decision."""

    def optimizer_of(self, parameters):
        return fused(torch.optim.AdamW, parameters, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.3)

    def total(self, images, labels):
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.autocast):
            with torch.no_grad():
                teacher_logits, teacher_embedding = self.teacher(images)
            logits, embedding, token_logits = self.student(images)
        classes = logits.shape[1]
        targets = 0.7 * functional.one_hot(labels, classes) + 0.3 * functional.one_hot(labels.flip(0), classes)
        targets = 0.9 * targets + 0.1 / classes
        directions = functional.normalize(targets @ self.directions)
        own = torch.arange(len(labels), device=labels.device)
        nd = norm_direction(self.adapter(embedding.float()), teacher_embedding.float(), own, directions)
        cross_entropy = functional.cross_entropy(logits.float(), targets)
        taught = functional.cross_entropy(token_logits.float(), teacher_logits.argmax(1))
        return cross_entropy + 0.5 * taught + 1.5 * nd


def training_step(arguments):
    """A function that makes one step and returns the loss, and what it is made of; None for unknown networks."""
    classes, size = arguments.classes, arguments.size
    teacher, student = build(arguments.teacher, classes), build(arguments.student, classes)
    if teacher is None or student is None:
        return None
    kind = DeitPlusPlus if arguments.student.startswith("deit") else KdPlusPlus
    learner = kind(teacher, student, classes, arguments.device, arguments.precision == "bf16")
    total = torch.compile(learner.total) if arguments.mode == "compiled" else learner.total
    images = torch.randn(arguments.batch, 3, size, size, device=arguments.device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, classes, (arguments.batch,), device=arguments.device)

    def step():
        loss = total(images, labels)
        learner.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learner.optimizer.step()
        return loss.item()

    def size(network):
        return sum(parameter.numel() for parameter in network.parameters())

    return step, {"parameters": [size(learner.teacher), size(learner.student)]}


def loss_by_sample(arguments):
    """A function that computes the ND loss and its gradient sample by sample."""
    means = torch.rand(CLASSES, arguments.dimension, device=arguments.device)
    student = torch.randn(arguments.batch, arguments.dimension, device=arguments.device, requires_grad=True)
    teacher = torch.randn(arguments.batch, arguments.dimension, device=arguments.device)
    labels = torch.randint(0, CLASSES, (arguments.batch,), device=arguments.device)

    def step():
        student.grad = None
        loss = norm_direction_by_sample(student, teacher, labels, means)
        loss.backward()
        return loss.item()

    return step, {"parameters": []}


def detector_step(arguments):
    # torchvision is needed here only.
    from torch_detector import detector_step as step_of_detector

    return step_of_detector(arguments)


WORK = {"step": training_step, "detector": detector_step, "loss": loss_by_sample}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=list(WORK), default="step")
    parser.add_argument("--teacher", default="resnet56")
    parser.add_argument("--student", default="resnet20")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--width", type=int, default=1067)
    parser.add_argument("--classes", type=int, default=CLASSES)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    parser.add_argument("--mode", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    # PyTorch takes TF32 in convolutions unasked, and not in matrix products.
    torch.backends.cudnn.allow_tf32 = arguments.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = arguments.precision == "tf32"
    torch.manual_seed(0)
    made = WORK[arguments.work](arguments)
    if made is None:
        print(json.dumps({"error": "no model", "detail": f"{arguments.teacher}:{arguments.student}"}))
        sys.exit(4)
    step, description = made
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), **description}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            started = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - started))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"ms": times, "peakMemoryMiB": round(peak)}), flush=True)


if __name__ == "__main__":
    main()
