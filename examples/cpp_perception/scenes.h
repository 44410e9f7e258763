// Pictures with shapes in them, and where those are.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

constexpr int64_t kPixels = 64;
constexpr int64_t kKinds = 3;   // squares, discs, crosses
constexpr int64_t kStride = 4;  // pixels to a cell of the detector's maps
constexpr int64_t kCells = kPixels / kStride;

struct Box {
  int64_t kind;
  double x, y, width, height;  // centre and extent, in pixels
};

double overlap(const Box& a, const Box& b);  // intersection over union

struct Scenes {
  at::Tensor images;                    // [N, 3, 64, 64], 0 to 1
  std::vector<std::vector<Box>> boxes;  // of each picture
  /// What the detector is to say: 1 at the cell of a centre, less around it; extents there, and where they count.
  at::Tensor heat;    // [N, kinds, cells, cells]
  at::Tensor extent;  // [N, 4, cells, cells]: offset of the centre in its cell, log of width and height in cells
  at::Tensor mask;    // [N, 1, cells, cells]
};

/// The same for the same seed.
Scenes draw_scenes(int64_t count, uint64_t seed);
