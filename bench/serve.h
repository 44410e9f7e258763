// How a bench program takes part in interleaved rounds: it sets up, says "ready", and then measures once for
// each line that comes in. run.py asks it and PyTorch in turns.
#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>

namespace graftwork::core::bench {

/// Seconds by the clock, and of the processor over all threads.
struct Cost {
  double wall = 0;
  double cpu = 0;
};

/// What `work` costs. Its result is destroyed outside of that.
template <class Work>
Cost cost(Work&& work) {
  using Clock = std::chrono::steady_clock;
  const std::clock_t cpu = std::clock();
  const Clock::time_point begin = Clock::now();
  [[maybe_unused]] const auto result = work();
  const std::chrono::duration<double> wall = Clock::now() - begin;
  return {wall.count(), static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC};
}

using Measurements = std::map<std::string, std::function<Cost()>>;

/// Answers the name of a measurement with its cost, "WALL CPU", a line each, until stdin ends.
inline void serve(const Measurements& measurements) {
  std::puts("ready");
  std::fflush(stdout);
  for (std::string name; std::getline(std::cin, name);) {
    const Cost measured = measurements.at(name)();
    std::printf("%.9g %.9g\n", measured.wall, measured.cpu);
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

}  // namespace graftwork::core::bench
