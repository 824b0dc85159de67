"""A distilled detector's training step for `torch_step.py`, of torchvision's Faster R-CNN with its pyramid.

What torchvision's own training leaves out is written from the definitions: the teacher's head looks at the regions
that the student samples, and KD (temperature 1) and ND compare what both say of them. Random weights and images; the
rate is 0, since random weights under frozen norms give gradients that no rate suits.
"""

import math
import re

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import fastrcnn_loss
from torchvision.ops import FrozenBatchNorm2d

from torch_step import fused, knowledge_distillation, norm_direction

CLASSES = 80
OBJECTS_AN_IMAGE = 8


class Predictor(nn.Module):
    """Logits of background and the classes, and a box for each class."""

    def __init__(self, embedding_size):
        super().__init__()
        self.logits = nn.Linear(embedding_size, CLASSES + 1)
        self.boxes = nn.Linear(embedding_size, 4 * CLASSES)

    def forward(self, embedding):
        # torchvision counts background as class 0 and expects a box of it.
        return self.logits(embedding), functional.pad(self.boxes(embedding), (4, 0))


def build_detector(name):
    """The detector of a name as `r101-fpn`; None for another one."""
    depth = re.fullmatch(r"r(18|34|50|101)-fpn", name)
    if depth is None:
        return None
    backbone = resnet_fpn_backbone(backbone_name=f"resnet{depth[1]}", weights=None, trainable_layers=3)
    detector = FasterRCNN(
        backbone,
        num_classes=None,
        box_predictor=Predictor(1024),
        rpn_pre_nms_top_n_train=2000,
        rpn_post_nms_top_n_train=1000,
    )
    # Branches that add little: features stay of the size that training knows, whatever the depth.
    for norm_name, norm in detector.named_modules():
        if isinstance(norm, FrozenBatchNorm2d) and re.search(r"layer\d\.\d+\.bn[23]$", norm_name):
            norm.weight.fill_(0.2)
    return detector


class DetectorStep:
    """A KD++ step of two detectors on made-up images."""

    def __init__(self, teacher, student, batch, height, width, device, autocast):
        self.device, self.autocast = device, autocast
        self.teacher, self.student = teacher.to(device).eval(), student.to(device).train()
        self.size = (height, width)
        padded = [32 * math.ceil(side / 32) for side in self.size]
        self.images = 2 * torch.rand(batch, 3, *padded, device=device) - 1
        self.targets = [
            {name: values.to(device) for name, values in self.objects().items()} for _ in range(batch)
        ]
        embedding_size = teacher.roi_heads.box_predictor.logits.in_features
        self.directions = functional.normalize(torch.rand(CLASSES + 1, embedding_size, device=device))
        trained = [parameter for parameter in student.parameters() if parameter.requires_grad]
        self.optimizer = fused(torch.optim.SGD, trained, lr=0.0, momentum=0.9, weight_decay=1e-4)

    def objects(self):
        height, width = self.size
        sides = torch.tensor([width, height]) * torch.exp(-3.5 * torch.rand(OBJECTS_AN_IMAGE, 2))
        corners = torch.rand(OBJECTS_AN_IMAGE, 2) * (torch.tensor([width, height]) - sides)
        labels = torch.randint(1, CLASSES + 1, (OBJECTS_AN_IMAGE,))
        return {"boxes": torch.cat([corners, corners + sides], 1), "labels": labels}

    def channels_last(self):
        for network in (self.teacher, self.student):
            network.to(memory_format=torch.channels_last)
        self.images = self.images.contiguous(memory_format=torch.channels_last)

    def compile(self):
        for network in (self.teacher, self.student):
            network.backbone = torch.compile(network.backbone)

    def head(self, network, features, regions):
        """The embedding of each region, its logits and its boxes."""
        heads = network.roi_heads
        embedding = heads.box_head(heads.box_roi_pool(features, regions, [self.size] * len(self.images)))
        return embedding, *heads.box_predictor(embedding)

    def total(self):
        # All of it, as torchvision's own training does; pooling of regions and losses stay float32 there.
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.autocast):
            return self.losses()

    def losses(self):
        features = self.student.backbone(self.images)
        images = ImageList(self.images, [self.size] * len(self.images))
        proposals, of_proposals = self.student.rpn(images, features, self.targets)
        regions, _, labels, boxes = self.student.roi_heads.select_training_samples(proposals, self.targets)
        embedding, logits, deltas = self.head(self.student, features, regions)
        with torch.no_grad():
            taught, taught_logits, _ = self.head(self.teacher, self.teacher.backbone(self.images), regions)
        kd = knowledge_distillation(logits.float(), taught_logits.float(), temperature=1.0)
        nd = norm_direction(embedding.float(), taught.float(), torch.cat(labels), self.directions)
        return sum(of_proposals.values()) + sum(fastrcnn_loss(logits, deltas, labels, boxes)) + kd + nd

    def step(self):
        loss = self.total()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def detector_step(arguments):
    """A function that makes one step, and how many numbers are trained; None for detectors that are not written here."""
    teacher, student = build_detector(arguments.teacher), build_detector(arguments.student)
    if teacher is None or student is None:
        return None
    numbers = [
        sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
        for network in (teacher, student)
    ]
    size = (arguments.height, arguments.width)
    autocast = arguments.precision == "bf16"
    learner = DetectorStep(teacher, student, arguments.batch, *size, arguments.device, autocast)
    if arguments.mode == "compiled":
        learner.channels_last()
        learner.compile()
    return learner.step, {"parameters": numbers}
