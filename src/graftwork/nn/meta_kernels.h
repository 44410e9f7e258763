// Shapes of results without computing them, for operators that libtorch alone cannot say them of.
#pragma once

namespace graftwork::core {

/// Registers a kernel for the device "meta" for each operator of a short list that has none: PyTorch has them in
/// Python, and where Python is there these stay out of its way. To be called before anything runs on that device; does
/// its work once, from whatever thread.
void provide_meta_kernels();

}  // namespace graftwork::core
