#include "tunewright/model/rope.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/ops/device.h"

namespace tunewright::model {
namespace {

constexpr std::array kRopeNames = {
    std::pair{"default", RopeType::kDefault}, std::pair{"linear", RopeType::kLinear},
    std::pair{"dynamic", RopeType::kDynamic}, std::pair{"llama3", RopeType::kLlama3},
    std::pair{"yarn", RopeType::kYarn}};

RopeType read_type(const Json& parameters) {
  const auto& entry = parameters.contains("rope_type") ? parameters["rope_type"]
                      : parameters.contains("type")    ? parameters["type"]
                                                       : Json("default");
  std::vector<std::string> names;
  for (const auto& [name, type] : kRopeNames) {
    if (entry == name) return type;
    names.emplace_back(name);
  }
  throw UserError(
      str("config.json: rope type ", dump_json(entry), " is not known", suggestion("", names)));
}

bool given(const Json& parameters, const char* key) {
  return parameters.contains(key) && !parameters[key].is_null();
}

double number(const Json& parameters, const char* key, double fallback) {
  if (!given(parameters, key)) return fallback;
  if (!parameters[key].is_number()) {
    throw UserError(str("config.json: rope parameter ", key, ": expected a number, got ",
                        dump_json(parameters[key])));
  }
  return parameters[key].get<double>();
}

double required(const Json& parameters, const char* key) {
  if (!given(parameters, key)) {
    throw UserError(
        str("config.json: rope parameter ", key, " is missing; this rope type needs it"));
  }
  return number(parameters, key, 0.0);
}

// transformers gives `rope_scaling`, the older name, priority.
Json scaling_of(const Json& config) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!given(config, key)) continue;
    if (!config[key].is_object())
      throw UserError(
          str("config.json: ", key, ": expected an object, got a ", type_name(config[key])));
    if (config[key].empty()) continue;
    for (const char* layer_type : {"full_attention", "sliding_attention"}) {
      if (config[key].contains(layer_type)) {
        throw UserError(str("config.json: ", key, " by layer type ('", layer_type,
                            "') is not supported for this architecture"));
      }
    }
    return config[key];
  }
  return Json::object();
}

double yarn_scale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

// Peng et al. 2023, as transformers reads it.
void read_yarn(RopeConfig& rope, const Json& parameters) {
  if (!parameters.contains("factor")) required(parameters, "factor");
  rope.factor = number(parameters, "factor",
                       static_cast<double>(rope.max_positions) / rope.original_max_positions);
  const double mscale = number(parameters, "mscale", 0.0),
               mscale_all = number(parameters, "mscale_all_dim", 0.0);
  const double inferred =
      mscale != 0.0 && mscale_all != 0.0
          ? yarn_scale(rope.factor, mscale) / yarn_scale(rope.factor, mscale_all)
          : yarn_scale(rope.factor, 1.0);
  rope.attention_factor = number(parameters, "attention_factor", inferred);
  const auto or_default = [&](const char* key, double fallback) {
    const double value = number(parameters, key, fallback);
    return value == 0.0 ? fallback : value;
  };
  rope.beta_fast = or_default("beta_fast", 32.0);
  rope.beta_slow = or_default("beta_slow", 1.0);
  if (given(parameters, "truncate")) rope.truncate = parameters["truncate"].get<bool>();
}

// theta^(2i/E), in float32 as transformers computes it.
at::Tensor position_frequencies(double theta, int64_t head_dim) {
  return at::pow(theta, at::arange(0, head_dim, 2, at::kFloat) / static_cast<double>(head_dim));
}

at::Tensor llama3_frequencies(const RopeConfig& rope, const at::Tensor& base) {
  const double low = rope.low_frequency_factor, high = rope.high_frequency_factor,
               length = rope.original_max_positions;
  const auto wavelength = 2.0 * std::numbers::pi / base;
  const auto scaled = at::where(wavelength.gt(length / low), base / rope.factor, base);
  const auto smooth = (length / wavelength - low) / (high - low);
  const auto blended = (1.0 - smooth) * scaled / rope.factor + smooth * scaled;
  const auto medium = wavelength.lt(length / high)
                          .logical_not()
                          .logical_and(wavelength.gt(length / low).logical_not());
  return at::where(medium, blended, scaled);
}

at::Tensor yarn_frequencies(const RopeConfig& rope) {
  const auto dim = static_cast<double>(rope.head_dim);
  const auto correction = [&](double rotations) {
    return dim * std::log(rope.original_max_positions / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(rope.theta));
  };
  double low = correction(rope.beta_fast), high = correction(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1.0);
  if (low == high) high += 0.001;
  const auto ramp = ((at::arange(rope.head_dim / 2, at::kFloat) - low) / (high - low)).clamp(0, 1);
  const auto extrapolated = 1.0 - ramp;
  const auto frequencies = position_frequencies(rope.theta, rope.head_dim);
  return 1.0 / (rope.factor * frequencies) * (1.0 - extrapolated) +
         1.0 / frequencies * extrapolated;
}

}  // namespace

RopeConfig read_rope(const Json& config, int64_t head_dim, int64_t max_positions) {
  const auto parameters = scaling_of(config);
  RopeConfig rope{
      .type = read_type(parameters), .head_dim = head_dim, .max_positions = max_positions};
  rope.theta = number(parameters, "rope_theta", number(config, "rope_theta", 10000.0));
  const double partial =
      number(parameters, "partial_rotary_factor", number(config, "partial_rotary_factor", 1.0));
  if (partial != 1.0)
    throw UserError(
        str("config.json: partial_rotary_factor ", partial, " is not supported; only 1"));
  rope.original_max_positions = number(
      config, "original_max_position_embeddings",
      number(parameters, "original_max_position_embeddings", static_cast<double>(max_positions)));
  if (rope.type == RopeType::kYarn) {
    read_yarn(rope, parameters);
  } else if (rope.type != RopeType::kDefault) {
    rope.factor = required(parameters, "factor");
  }
  if (rope.type == RopeType::kLlama3) {
    rope.low_frequency_factor = required(parameters, "low_freq_factor");
    rope.high_frequency_factor = required(parameters, "high_freq_factor");
  }
  if (head_dim % 2 != 0)
    throw UserError(str("config.json: head_dim must be even for rotary positions, got ", head_dim));
  return rope;
}

at::Tensor inverse_frequencies(const RopeConfig& rope, int64_t length) {
  switch (rope.type) {
    case RopeType::kDefault:
      return 1.0 / position_frequencies(rope.theta, rope.head_dim);
    case RopeType::kLinear:
      return 1.0 / position_frequencies(rope.theta, rope.head_dim) / rope.factor;
    case RopeType::kDynamic: {
      const auto dim = static_cast<double>(rope.head_dim),
                 trained = static_cast<double>(rope.max_positions);
      const double stretch =
          rope.factor * std::max(static_cast<double>(length), trained) / trained -
          (rope.factor - 1.0);
      return 1.0 /
             position_frequencies(rope.theta * std::pow(stretch, dim / (dim - 2.0)), rope.head_dim);
    }
    case RopeType::kLlama3:
      return llama3_frequencies(rope, 1.0 / position_frequencies(rope.theta, rope.head_dim));
    case RopeType::kYarn:
      return yarn_frequencies(rope);
  }
  throw InternalError("unknown rope type");
}

RotaryTables rotary_tables(const RopeConfig& rope, const at::Tensor& positions) {
  const bool by_length = rope.type == RopeType::kDynamic && positions.numel() > 0;
  const int64_t length =
      by_length ? positions.max().item<int64_t>() + 1 : 0;  // waits for the device
  const auto frequencies = ops::to_device(inverse_frequencies(rope, length), positions.device());
  const auto angles = at::outer(positions.to(at::kFloat), frequencies);
  if (rope.attention_factor == 1.0) return {angles.cos(), angles.sin()};
  return {angles.cos() * rope.attention_factor, angles.sin() * rope.attention_factor};
}

}  // namespace tunewright::model
