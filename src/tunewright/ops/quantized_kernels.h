#pragma once
#include <cstdint>

// Loops over numbers in few bits, compiled once for each instruction set as those of kernels.h.
namespace tunewright::ops::kernels {

inline constexpr int64_t kNf4Block = 64;  // numbers that share a scale: 32 bytes
extern const float kNf4Levels[16];

// Each block of 64 numbers to its largest absolute value and 4 bits a number: the nearest level of
// x / absmax, of two equally near the lower.
void nf4_encode_blocks(const float* x, int64_t blocks, uint8_t* codes, float* absmax);
// out = level * absmax.
void nf4_decode_blocks(const uint8_t* codes, const float* absmax, int64_t blocks, float* out);

// out = scale * code.
void int8_decode_row(const int8_t* codes, float scale, float* out, int64_t n);

float dot_row(const float* a, const float* b, int64_t n);

}  // namespace tunewright::ops::kernels
