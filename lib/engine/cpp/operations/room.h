// Memory that a thread keeps from one operation to the next.

#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <memory>

namespace norm_direction {

template <typename Number>
class Room {
 public:
  // At least so many numbers, all 0 when they are new.
  Number* Of(size_t wanted) {
    if (size_ < wanted) {
      size_ = (wanted + kLine - 1) / kLine * kLine;
      numbers_.reset(static_cast<Number*>(aligned_alloc(64, size_ * sizeof(Number))));
      memset(numbers_.get(), 0, size_ * sizeof(Number));
    }
    return numbers_.get();
  }

 private:
  static constexpr size_t kLine = 64 / sizeof(Number);

  std::unique_ptr<Number, decltype(&free)> numbers_{nullptr, &free};
  size_t size_ = 0;
};

}  // namespace norm_direction
