"""More networks for `torch_step.py`, from the papers' definitions; torchvision's own where it has them.

Each gives logits and the embedding before its last layer. Their numbers of parameters are compared with this
package's before anything is timed.
"""

import torch
from torch import nn
from torch.nn import functional


def unit(inputs, outputs, kernel, stride=1, groups=1, relu=True):
    """A convolution without bias, its batch norm, and ReLU."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class Pooled(nn.Module):
    """Convolutions, the mean over the image, a linear layer."""

    def __init__(self, body, embedding_size, classes):
        super().__init__()
        self.body = body
        self.embedding_size = embedding_size
        self.fc = nn.Linear(embedding_size, classes)

    def forward(self, images):
        embedding = self.body(images).mean((2, 3))
        return self.fc(embedding), embedding


class Bottleneck(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        outputs = 4 * channels
        self.branch = nn.Sequential(
            unit(inputs, channels, 1), unit(channels, channels, 3, stride), unit(channels, outputs, 1, relu=False)
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else unit(inputs, outputs, 1, stride, relu=False)

    def forward(self, x):
        return functional.relu(self.branch(x) + self.shortcut(x))


def resnet50_for_32(classes):
    layers = [unit(3, 64, 3)]
    inputs = 64
    for channels, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(blocks):
            layers.append(Bottleneck(inputs, channels, stride if index == 0 else 1))
            inputs = 4 * channels
    return Pooled(nn.Sequential(*layers), inputs, classes)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        hidden = inputs * expansion
        self.branch = nn.Sequential(
            unit(inputs, hidden, 1), unit(hidden, hidden, 3, stride, hidden), unit(hidden, outputs, 1, relu=False)
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.branch(x) if self.residual else self.branch(x)


def half_mobilenet_v2_for_32(classes):
    layers = [unit(3, 16, 3, 2)]
    inputs = 16
    groups = ((1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1))
    for expansion, outputs, blocks, stride in groups:
        for index in range(blocks):
            layers.append(InvertedResidual(inputs, outputs, expansion, stride if index == 0 else 1))
            inputs = outputs
    layers.append(unit(inputs, 1280, 1))
    return Pooled(nn.Sequential(*layers), 1280, classes)


def mobilenet_v1(classes):
    layers = [unit(3, 32, 3, 2)]
    inputs = 32
    for index, outputs in enumerate((64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)):
        stride = 2 if index > 0 and outputs > inputs else 1
        layers += [unit(inputs, inputs, 3, stride, inputs), unit(inputs, outputs, 1)]
        inputs = outputs
    return Pooled(nn.Sequential(*layers), inputs, classes)


def shuffled(x, groups):
    return functional.channel_shuffle(x, groups)


class ShuffleBlock(nn.Module):
    """Of the first ShuffleNet, with three groups."""

    def __init__(self, inputs, outputs, down):
        super().__init__()
        branch = outputs - inputs if down else outputs
        middle = branch // 4
        self.groups = 1 if inputs == 24 else 3
        self.reduce = unit(inputs, middle, 1, groups=self.groups)
        self.depthwise = unit(middle, middle, 3, 2 if down else 1, middle)
        self.expand = unit(middle, branch, 1, groups=3, relu=False)
        self.down = down

    def forward(self, x):
        branch = self.expand(self.depthwise(shuffled(self.reduce(x), self.groups)))
        if self.down:
            return functional.relu(torch.cat((branch, functional.avg_pool2d(x, 3, 2, 1)), 1))
        return functional.relu(branch + x)


def shufflenet_v1_for_32(classes):
    layers = [unit(3, 24, 1)]
    inputs = 24
    for outputs, blocks in ((240, 4), (480, 8), (960, 4)):
        for index in range(blocks):
            layers.append(ShuffleBlock(inputs, outputs, index == 0))
            inputs = outputs
    return Pooled(nn.Sequential(*layers), inputs, classes)


class SplitBlock(nn.Module):
    """Of the second ShuffleNet: half of the channels pass."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(unit(half, half, 1), unit(half, half, 3, 1, half, relu=False), unit(half, half, 1))

    def forward(self, x):
        passed, branch = x.chunk(2, 1)
        return shuffled(torch.cat((passed, self.branch(branch)), 1), 2)


class DownBlock(nn.Module):
    def __init__(self, inputs, channels):
        super().__init__()
        half = channels // 2
        self.left = nn.Sequential(unit(inputs, inputs, 3, 2, inputs, relu=False), unit(inputs, half, 1))
        self.right = nn.Sequential(
            unit(inputs, half, 1), unit(half, half, 3, 2, half, relu=False), unit(half, half, 1)
        )

    def forward(self, x):
        return shuffled(torch.cat((self.left(x), self.right(x)), 1), 2)


def shufflenet_v2_for_32(classes):
    layers = [unit(3, 24, 1)]
    inputs = 24
    for channels, blocks in ((116, 3), (232, 7), (464, 3)):
        layers.append(DownBlock(inputs, channels))
        layers += [SplitBlock(channels) for _ in range(blocks)]
        inputs = channels
    layers.append(unit(inputs, 1024, 1))
    return Pooled(nn.Sequential(*layers), 1024, classes)


class Headless(nn.Module):
    """A network of torchvision whose last layer is taken apart from the rest."""

    def __init__(self, network, holder, name):
        super().__init__()
        last = getattr(holder, name)
        setattr(holder, name, nn.Identity())
        self.network = network
        self.embedding_size = last.in_features
        self.fc = last

    def forward(self, images):
        embedding = self.network(images)
        return self.fc(embedding), embedding


class TransformerBlock(nn.Module):
    """Attention and a perceptron, each normalised first and left out of some images in training."""

    def __init__(self, size, heads, drop):
        super().__init__()
        self.heads, self.drop = heads, drop
        self.norm1, self.norm2 = nn.LayerNorm(size, 1e-6), nn.LayerNorm(size, 1e-6)
        self.qkv, self.proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size))

    def attention(self, x):
        batch, tokens, size = x.shape
        query, key, value = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(read.transpose(1, 2).reshape(batch, tokens, size))

    def kept(self, branch):
        if not self.training or self.drop == 0:
            return branch
        keep = torch.rand(len(branch), 1, 1, device=branch.device) >= self.drop
        return branch * (keep / (1 - self.drop))

    def forward(self, x):
        x = x + self.kept(self.attention(self.norm1(x)))
        return x + self.kept(self.mlp(self.norm2(x)))


class DistilledTransformer(nn.Module):
    """DeiT-B with a distillation token (Touvron et al.): logits, the class token, the logits of the other token."""

    def __init__(self, classes, size=768, depth=12, heads=12, drop=0.1):
        super().__init__()
        self.patches = nn.Conv2d(3, size, 16, 16)
        self.tokens = nn.Parameter(torch.zeros(1, 2, size))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 14 * 14 + 2, size))
        blocks = (TransformerBlock(size, heads, drop * index / (depth - 1)) for index in range(depth))
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(size, 1e-6)
        self.head, self.head_dist = nn.Linear(size, classes), nn.Linear(size, classes)
        self.embedding_size = size

    def forward(self, images):
        patches = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat((self.tokens.expand(len(images), -1, -1), patches), 1) + self.positions
        first, second = self.norm(self.blocks(x)[:, :2]).unbind(1)
        return self.head(first), first, self.head_dist(second)


def from_torchvision(name, classes):
    from torchvision import models

    if name.startswith("vit"):
        network = models.vit_b_16(num_classes=classes)
        return Headless(network, network.heads, "head")
    # timm's RegNetY-16GF is called by its width.
    network = getattr(models, "regnet_y_16gf" if name == "regnety_160" else name)(num_classes=classes)
    return Headless(network, network, "fc")


BUILDERS = {
    "ResNet50": resnet50_for_32,
    "MobileNetV2": half_mobilenet_v2_for_32,
    "ShuffleV1": shufflenet_v1_for_32,
    "ShuffleV2": shufflenet_v2_for_32,
    "mobilenet_v1": mobilenet_v1,
    "deit_base_distilled_patch16_224": DistilledTransformer,
}
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
TORCHVISION = (*RESNETS, "vit_base_patch16_224", "regnety_160")


def build_other(name, classes):
    """The network of this name; None for one that is not written here."""
    if name in TORCHVISION:
        return from_torchvision(name, classes)
    return BUILDERS[name](classes) if name in BUILDERS else None
