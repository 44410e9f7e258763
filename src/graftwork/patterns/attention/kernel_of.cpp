// %y = CONVERTED(...)                                     =>   %y = KERNEL(...), the same body
#include "graftwork/patterns/attention/patterns.h"
#include "graftwork/patterns/stage_kernel.h"

namespace graftwork::core {
namespace {

class KernelOfPattern final : public Pattern {
 public:
  KernelOfPattern(std::string name, Symbol converted, Symbol kernel)
      : name_(std::move(name)), call_(op(converted)().and_more_inputs()), kernel_(kernel) {}

  std::string_view name() const override { return name_; }
  std::vector<Pat> roots() const override { return {call_}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return replace_by_kernel_of(match[call_], kernel_, graft);
  }

 private:
  std::string name_;
  Pat call_;
  Symbol kernel_;
};

}  // namespace

std::shared_ptr<const Pattern> make_kernel_of_pattern(std::string name, Symbol converted, Symbol kernel) {
  return std::make_shared<KernelOfPattern>(std::move(name), converted, kernel);
}

}  // namespace graftwork::core
