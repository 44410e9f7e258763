#include "graftwork/cli/torch/torchrun.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string_view>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <type_traits>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::seconds kTimeToConnect{60};
constexpr std::chrono::seconds kTimeToLeave{10};
/// The store's server takes no more at once than 8 MiB.
constexpr size_t kLargestPart = size_t{4} << 20;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return value;
}

int64_t number_of(const char* name, int64_t least, int64_t most) {
  const std::string text = *variable(name);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    throw Error("process.environment",
                cat("the variable ", name, " is \"", text, "\", not a number from ", least, " to ", most),
                "starting the processes by torchrun, or one alone without that variable");
  }
  return number;
}

class Processes final : public Exchange {
 public:
  /// `holds_store`: the store ends with this process.
  Processes(c10::intrusive_ptr<c10d::Store> store, bool holds_store, int64_t rank, int64_t size,
            const InterruptGuard& interrupt)
      : store_(std::move(store)), holds_store_(holds_store), rank_(rank), size_(size), interrupt_(interrupt) {}

  ~Processes() override {
    const bool fails = std::uncaught_exceptions() != exceptions_;
    try {
      if (fails) store_->set("failed", std::to_string(rank_));
      if (!holds_store_) {
        store_->add("left", 1);
      } else if (!fails) {
        wait_for_the_others_to_leave();
      }
    } catch (...) {  // NOLINT(bugprone-empty-catch): they are gone, or torchrun ends them
    }
  }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  int64_t rank() const override { return rank_; }
  int64_t size() const override { return size_; }

  std::vector<std::string> gather(std::string bytes) override {
    const std::string round = std::to_string(round_++);
    give(cat(round, "/", rank_), bytes);
    std::vector<std::string> all;
    for (int64_t rank = 0; rank < size_; ++rank) all.push_back(take(cat(round, "/", rank), rank));
    // Whoever holds the store stays until everybody has read.
    ask([&] {
      if (store_->add(cat(round, "/read"), 1) == size_) store_->set(cat(round, "/all read"), "1");
    });
    wait(cat(round, "/all read"), "the others");
    return all;
  }

 private:
  /// What is asked of the store, which is gone with the process that holds it.
  template <class Question>
  std::invoke_result_t<Question> ask(const Question& question) {
    try {
      return question();
    } catch (const c10::Error& error) {
      throw Error("process.store",
                  cat("process ", rank_, " of ", size_, " lost the others: ", error.what_without_backtrace()),
                  "the message of process 0, which says why it has ended");
    }
  }

  void wait_for_the_others_to_leave() {
    const Clock::time_point end = Clock::now() + kTimeToLeave;
    while (store_->add("left", 0) < size_ - 1 && Clock::now() < end && !interrupt_.requested())
      std::this_thread::sleep_for(kPoll);
  }

  void give(const std::string& key, std::string_view bytes) {
    const size_t parts = (bytes.size() + kLargestPart - 1) / kLargestPart;
    ask([&] {
      for (size_t part = 0; part < parts; ++part)
        store_->set(cat(key, "/", part), std::string(bytes.substr(part * kLargestPart, kLargestPart)));
      store_->set(key, std::to_string(parts));
    });
  }

  std::string take(const std::string& key, int64_t rank) {
    wait(key, cat("process ", rank, " of ", size_));
    return ask([&] {
      const size_t parts = std::stoul(store_->get_to_str(key));
      std::string bytes;
      for (size_t part = 0; part < parts; ++part) bytes += store_->get_to_str(cat(key, "/", part));
      return bytes;
    });
  }

  bool is_there(const std::string& key) {
    return ask([&] { return store_->check({key}); });
  }

  void wait(const std::string& key, const std::string& whom) {
    bool told = false;
    for (const Clock::time_point begin = Clock::now(); !is_there(key); std::this_thread::sleep_for(kPoll)) {
      interrupt_.check();
      if (is_there("failed")) {
        const std::string who = ask([&] { return store_->get_to_str("failed"); });
        throw Error("process.failed", cat("process ", who, " of ", size_, " has failed"),
                    "its own message, which says why");
      }
      if (told || rank_ != 0 || Clock::now() - begin < kPatience) continue;
      std::fprintf(stderr, "graftwork: waiting for %s (the variables of torchrun are set)\n", whom.c_str());
      told = true;
    }
  }

  c10::intrusive_ptr<c10d::Store> store_;
  bool holds_store_;
  int64_t rank_;
  int64_t size_;
  const InterruptGuard& interrupt_;
  int exceptions_ = std::uncaught_exceptions();
  int64_t round_ = 0;
};

}  // namespace

std::unique_ptr<Exchange> processes_of_torchrun(const InterruptGuard& interrupt) {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    if (!variable(name)) return nullptr;
  }
  const int64_t size = number_of("WORLD_SIZE", 1, 1 << 16);
  if (size == 1) return nullptr;
  const int64_t rank = number_of("RANK", 0, size - 1);
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(number_of("MASTER_PORT", 1, 65535));
  options.isServer = rank == 0 && variable("TORCHELASTIC_USE_AGENT_STORE") != "True";
  options.waitWorkers = false;
  options.timeout = kTimeToConnect;
  const std::string host = *variable("MASTER_ADDR");
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    const std::string job = cat("graftwork/", variable("TORCHELASTIC_RUN_ID").value_or(""), "/",
                                variable("TORCHELASTIC_RESTART_COUNT").value_or("0"));
    return std::make_unique<Processes>(c10::make_intrusive<c10d::PrefixStore>(job, std::move(store)), options.isServer,
                                       rank, size, interrupt);
  } catch (const c10::Error& error) {
    throw Error(
        "process.store",
        cat("the other processes cannot be reached at ", host, ":", options.port, ": ", error.what_without_backtrace()),
        "looking whether torchrun runs, or unsetting RANK and WORLD_SIZE to run alone");
  }
}

}  // namespace graftwork::core::cli
