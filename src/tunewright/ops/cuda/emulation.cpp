#include "tunewright/ops/cuda/emulation.h"

#include <ucontext.h>

#include <algorithm>
#include <span>
#include <vector>

#include "tunewright/base/error.h"

namespace tunewright::ops::cuda {

Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr unsigned kWarp = 32;

enum class State { kReady, kAtWarp, kAtBlock, kDone };

struct Fiber {
  ucontext_t context;
  State state = State::kReady;
  float given = 0;  // to the other lanes
  std::vector<std::byte> stack = std::vector<std::byte>(kStackBytes);
};

// The block that runs.  Kept for the next one, for its stacks.
struct Block {
  std::vector<Fiber> fibers;
  ucontext_t scheduler;
  const std::function<void()>* kernel = nullptr;
};
Block block;

Fiber& current() { return block.fibers[threadIdx.x]; }

void run_fiber() {
  (*block.kernel)();
  current().state = State::kDone;
}

void wait_in(State state) {
  auto& fiber = current();
  fiber.state = state;
  swapcontext(&fiber.context, &block.scheduler);
}

// Lets go on those who are all at a barrier, apart from those who are done.
bool release(std::span<Fiber> fibers, State barrier) {
  const auto waits = [&](const Fiber& fiber) { return fiber.state == barrier; };
  const auto ended = [](const Fiber& fiber) { return fiber.state == State::kDone; };
  if (!std::ranges::all_of(fibers, [&](const Fiber& f) { return waits(f) || ended(f); }))
    return false;
  bool any = false;
  for (auto& fiber : fibers) {
    if (!waits(fiber)) continue;
    fiber.state = State::kReady;
    any = true;
  }
  return any;
}

bool release_all(std::span<Fiber> fibers) {
  bool any = release(fibers, State::kAtBlock);
  for (size_t begin = 0; begin < fibers.size(); begin += kWarp)
    any |= release(fibers.subspan(begin, std::min<size_t>(kWarp, fibers.size() - begin)),
                   State::kAtWarp);
  return any;
}

void run_block(std::span<Fiber> fibers) {
  for (auto& fiber : fibers) {
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = &block.scheduler;
    fiber.state = State::kReady;
    makecontext(&fiber.context, &run_fiber, 0);
  }
  do {
    for (unsigned i = 0; i < fibers.size(); ++i) {
      if (fibers[i].state != State::kReady) continue;
      threadIdx.x = i;
      swapcontext(&block.scheduler, &fibers[i].context);
    }
  } while (release_all(fibers));
  if (!std::ranges::all_of(fibers, [](const Fiber& f) { return f.state == State::kDone; }))
    throw InternalError("threads of a block wait for each other at different barriers");
}

}  // namespace

void run(unsigned blocks, unsigned threads, const std::function<void()>& kernel) {
  while (block.fibers.size() < threads) block.fibers.emplace_back();
  block.kernel = &kernel;
  gridDim.x = blocks;
  blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
    run_block(std::span(block.fibers).first(threads));
}

void wait_for_block() { wait_in(State::kAtBlock); }

float exchanged(float value, int distance) {
  current().given = value;
  wait_in(State::kAtWarp);
  const float other = block.fibers[threadIdx.x ^ static_cast<unsigned>(distance)].given;
  wait_in(State::kAtWarp);
  return other;
}

}  // namespace emulation
}  // namespace tunewright::ops::cuda
