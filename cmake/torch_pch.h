// Precompiled once for every file that uses libtorch (cmake/module.cmake).
#pragma once
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
