// How a bench program takes part in interleaved rounds: it sets up, says "ready", and then measures once for
// each line that comes in. run.py asks it and PyTorch in turns.
#pragma once

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>

namespace graftwork::bench {

/// Seconds that `work` takes. Its result is destroyed outside of them.
template <class Work>
double seconds(Work&& work) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  [[maybe_unused]] const auto result = work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

using Measurements = std::map<std::string, std::function<double()>>;

/// Answers the name of a measurement with its figure, a line each, until stdin ends.
inline void serve(const Measurements& measurements) {
  std::puts("ready");
  std::fflush(stdout);
  for (std::string name; std::getline(std::cin, name);) {
    std::printf("%.9g\n", measurements.at(name)());
    std::fflush(stdout);
  }
}

/// The body of main: a failure is one line on stderr and exit status 1.
inline int guarded(const std::function<void()>& body) {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace graftwork::bench
