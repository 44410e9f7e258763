// Where a symmetric range best ends, by what is known of a tensor's magnitudes.
#pragma once

#include "graftwork/quant/histogram.h"

namespace graftwork::core {

// Each gives the magnitude at which a range of codes ±`levels` ends, at most `amax`, the largest that was seen, and
// `amax` itself where nothing but zeros was counted. scale = end / levels.

/// Least expected squared error, rounded inside and clipped beyond, of values that stand in the middle of their bins;
/// in steps of amax/128 down to amax/8.
float least_squares_end(const Histogram& histogram, float amax, int levels);

/// From above, as torch.ao's HistogramObserver narrows its range: as long as it makes the expected squared error less,
/// the largest of the values are clipped, 1e-5 of all in a step, where values spread evenly over their bins and over
/// the range of a code.
float narrowed_end(const Histogram& histogram, float amax, int levels);

/// Of `count` values, at least one, in ascending order, the place of the one at `percent`: from 1 on.
uint64_t percentile_place(uint64_t count, double percent);

/// The bin's end below which `percent` of all values lie, zeros too; 0 < percent <= 100.
float percentile_end(const Histogram& histogram, float amax, double percent);

/// Least Kullback-Leibler divergence of the distribution, clipped at the end, to what `levels` + 1 steps leave of it
/// (Migacz, "8-bit inference with TensorRT", GTC 2017).
float least_divergence_end(const Histogram& histogram, float amax, int levels);

}  // namespace graftwork::core
