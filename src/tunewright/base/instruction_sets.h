#pragma once

// TUNEWRIGHT_CLONES before a function compiles it once for each of these instruction sets and picks
// one when the program starts; what it calls must be TUNEWRIGHT_INLINE to be compiled with it.
// They are levels of the instruction set: a processor's name (arch=haswell) would be taken by that
// very model alone.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TUNEWRIGHT_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TUNEWRIGHT_CLONES
#endif
#define TUNEWRIGHT_INLINE inline __attribute__((always_inline))
