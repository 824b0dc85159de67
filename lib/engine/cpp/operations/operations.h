// This package's own operations: each file registers its own.

#pragma once

namespace norm_direction {

void RegisterBatchNorm();
void RegisterPooling();
void RegisterSgd();

}  // namespace norm_direction
