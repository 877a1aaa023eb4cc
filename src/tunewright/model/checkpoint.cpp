#include "tunewright/model/checkpoint.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

namespace tunewright::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Body : torch::CustomClassHolder {
  explicit Body(CheckpointedBody f) : function(std::move(f)) {}
  CheckpointedBody function;
};

struct Checkpoint : torch::autograd::Function<Checkpoint> {
  // The parameters are inputs so that their gradients leave through the graph like any other's.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, at::TensorList parameters,
                            const c10::intrusive_ptr<Body>& body) {
    variable_list saved = {x};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["body"] = c10::IValue::make_capsule(body);
    return body->function(x, ops::Value::kNeeded);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto body = c10::static_intrusive_pointer_cast<Body>(ctx->saved_data["body"].toCapsule());
    const at::AutoGradMode recording(true);
    const auto x = saved[0].detach().set_requires_grad(ctx->needs_input_grad(0));
    const auto y = body->function(x, ops::Value::kUnused);
    variable_list wanted;
    for (size_t i = 0; i < saved.size(); ++i) {
      if (ctx->needs_input_grad(i)) wanted.push_back(i == 0 ? x : saved[i]);
    }
    const auto found = torch::autograd::grad({y}, wanted, {grads[0]}, /*retain_graph=*/false,
                                             /*create_graph=*/false,
                                             /*allow_unused=*/true);
    variable_list result(saved.size() + 1);
    for (size_t i = 0, next = 0; i < saved.size(); ++i) {
      if (ctx->needs_input_grad(i)) result[i] = found[next++];
    }
    return result;
  }
};

}  // namespace

at::Tensor checkpointed(const at::Tensor& x, const std::vector<at::Tensor>& parameters,
                        CheckpointedBody body) {
  return Checkpoint::apply(x, at::TensorList(parameters),
                           c10::make_intrusive<Body>(std::move(body)));
}

}  // namespace tunewright::model
