#include "scenes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <random>

double overlap(const Box& a, const Box& b) {
  const auto shared = [](double c1, double e1, double c2, double e2) {
    return std::max(0.0, std::min(c1 + e1 / 2, c2 + e2 / 2) - std::max(c1 - e1 / 2, c2 - e2 / 2));
  };
  const double both = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
  return both / (a.width * a.height + b.width * b.height - both);
}

namespace {

bool covers(const Box& box, double x, double y) {
  const double u = (x - box.x) / (box.width / 2), v = (y - box.y) / (box.height / 2);
  if (std::max(std::fabs(u), std::fabs(v)) > 1) return false;
  if (box.kind == 1) return u * u + v * v <= 1;
  return box.kind == 0 || std::min(std::fabs(u), std::fabs(v)) <= 0.34;
}

class Painter {
 public:
  explicit Painter(uint64_t seed) : random_(seed) {}

  double between(double low, double high) {
    // Not std::uniform_real_distribution, which differs from library to library.
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }

  std::vector<Box> place() {
    std::vector<Box> boxes;
    const auto wanted = static_cast<size_t>(between(1, 4));
    for (int tries = 0; boxes.size() < wanted && tries < 100; ++tries) {
      Box box{static_cast<int64_t>(between(0, kKinds)), 0, 0, between(10, 26), between(10, 26)};
      box.x = between(box.width / 2, kPixels - box.width / 2);
      box.y = between(box.height / 2, kPixels - box.height / 2);
      const auto meets = [&](const Box& other) { return overlap(box, other) > 0; };
      if (std::none_of(boxes.begin(), boxes.end(), meets)) boxes.push_back(box);
    }
    return boxes;
  }

  void paint(const std::vector<Box>& boxes, at::TensorAccessor<float, 3> image) {
    std::array<float, 3> ground{};
    for (float& channel : ground) channel = static_cast<float>(between(0.2, 0.8));
    std::vector<std::array<float, 3>> colours(boxes.size());
    for (auto& colour : colours) {
      for (size_t c = 0; c < 3; ++c) {
        const double step = between(0.15, 0.4);
        colour[c] = ground[c] + static_cast<float>(ground[c] > 0.5 ? -step : step);
      }
    }
    for (int64_t y = 0; y < kPixels; ++y) {
      for (int64_t x = 0; x < kPixels; ++x) {
        const std::array<float, 3>* colour = &ground;
        for (size_t i = 0; i < boxes.size(); ++i) {
          if (covers(boxes[i], static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5)) colour = &colours[i];
        }
        for (int64_t c = 0; c < 3; ++c)
          image[c][y][x] = (*colour)[static_cast<size_t>(c)] + static_cast<float>(between(-0.06, 0.06));
      }
    }
  }

 private:
  std::mt19937_64 random_;
};

void mark(const std::vector<Box>& boxes, int64_t n, Scenes& scenes) {
  auto heat = scenes.heat.accessor<float, 4>();
  auto extent = scenes.extent.accessor<float, 4>();
  auto mask = scenes.mask.accessor<float, 4>();
  for (const Box& box : boxes) {
    const double cx = box.x / kStride, cy = box.y / kStride;
    const auto column = static_cast<int64_t>(cx), row = static_cast<int64_t>(cy);
    for (int64_t y = 0; y < kCells; ++y) {
      for (int64_t x = 0; x < kCells; ++x) {
        const auto distance = static_cast<double>((x - column) * (x - column) + (y - row) * (y - row));
        heat[n][box.kind][y][x] = std::max(heat[n][box.kind][y][x], static_cast<float>(std::exp(-distance)));
      }
    }
    const std::array<double, 4> wanted{cx - static_cast<double>(column), cy - static_cast<double>(row),
                                       std::log(box.width / kStride), std::log(box.height / kStride)};
    for (int64_t c = 0; c < 4; ++c) extent[n][c][row][column] = static_cast<float>(wanted[static_cast<size_t>(c)]);
    mask[n][0][row][column] = 1;
  }
}

}  // namespace

Scenes draw_scenes(int64_t count, uint64_t seed) {
  Painter painter(seed);
  Scenes scenes{at::empty({count, 3, kPixels, kPixels}),
                {},
                at::zeros({count, kKinds, kCells, kCells}),
                at::zeros({count, 4, kCells, kCells}),
                at::zeros({count, 1, kCells, kCells})};
  auto images = scenes.images.accessor<float, 4>();
  for (int64_t n = 0; n < count; ++n) {
    scenes.boxes.push_back(painter.place());
    painter.paint(scenes.boxes.back(), images[n]);
    mark(scenes.boxes.back(), n, scenes);
  }
  return scenes;
}
