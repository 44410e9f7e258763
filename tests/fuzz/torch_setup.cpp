#include "fuzz/torch_setup.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

/// Torch's libraries are not compiled for the sanitizer: they have leaks of their own at the end, and variables that
/// stand in several of them. What is too large is refused as an allocator refuses it. Longer stacks of allocations take
/// a sixth of the time.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:detect_odr_violation=0:alloc_dealloc_mismatch=0:"
         "allocator_may_return_null=1:max_allocation_size_mb=1024:malloc_context_size=4";
}

namespace graftwork::core::fuzz {

void set_up_torch() {
  class Silence final : public c10::WarningHandler {
    void process(const c10::Warning&) override {}
  };
  static Silence silence;
  FLAGS_caffe2_log_level = c10::GLOG_ERROR;
  c10::WarningUtils::set_warning_handler(&silence);
  at::set_num_threads(1);
}

}  // namespace graftwork::core::fuzz
