// This package's own operations: each file registers its own.

#pragma once

namespace norm_direction {

void RegisterBatchNorm();
void RegisterFilterGradient();
void RegisterInputGradient();
void RegisterMaxPool();
void RegisterOptimisers();
void RegisterPoints();
void RegisterPooling();
void RegisterShareThreads();
void RegisterTokens();
void RegisterWinograd();

}  // namespace norm_direction
