// The contract of a primitive, and the one door through which all of them run.
//
// A primitive has a shape rule, an eval rule, derivative rules that are built from primitives (so that a tape can record
// a gradient), and, if it is coarse, a decomposition into fine primitives. `run` checks shapes, evaluates, and lets the
// open recorders note what happened. Where a `vjp` is absent or incomplete, the derivative is that of the decomposition, so
// the set is closed under differentiation.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/tensor.h"
#include "kernels/table.h"

namespace densegrad {

struct Primitive;

// A derivative rule that the host language supplies.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual std::vector<Tensor> vjp(const Tensors& cotangents) = 0;  // one per input; may be undefined
  virtual std::unique_ptr<Callback> clone() const = 0;
  // The callback that holds the host's object: this one, or the one that it wraps.
  virtual Callback* host() { return this; }
};

// Every copy owns a callback of its own, so that a garbage collector can count who holds the host's object.
class CallbackPtr {
 public:
  explicit CallbackPtr(std::unique_ptr<Callback> callback) : callback_(std::move(callback)) {}
  CallbackPtr(const CallbackPtr& other) : callback_(other.callback_->clone()) {}
  CallbackPtr(CallbackPtr&&) noexcept = default;
  CallbackPtr& operator=(CallbackPtr other) noexcept {
    callback_.swap(other.callback_);
    return *this;
  }
  Callback* operator->() const { return callback_.get(); }
  Callback* get() const { return callback_.get(); }

 private:
  std::unique_ptr<Callback> callback_;
};

// ---- Parameters: one struct per family ------------------------------------------------------------------------------

struct AxesParams {  // reductions
  Shape axes;        // ascending, non-negative
  bool keepdims = false;
};
struct AxisParams {
  int axis = 0;
};
struct ShapeParams {  // reshape, broadcast_to, sum_to
  Shape shape;
};
struct PermuteParams {
  Shape axes;
};
struct SliceParams {  // per axis: first index, step, and, for `place`, the full extents
  Shape start, step, extent;
};
struct ClipParams {
  double lo, hi;
};
struct CastParams {
  DType dtype;
};
struct OneHotParams {
  index_t classes;
  DType dtype;
};
struct MatmulParams {
  bool transpose_a = false, transpose_b = false;
};
struct ActivationParams {
  Activation activation;
  ActivationValues values = {};
};
using LossParameters = std::array<double, max_loss_parameters>;
struct LossParams {
  Loss loss;
  LossForm form;
  LossParameters parameters;  // in the order that the formula declares
  int axis;                   // of the classes; non-negative

  bool operator==(const LossParams&) const = default;
};
// uniform: in [a, b); normal: mean a, standard deviation b; truncated_normal: redrawn outside of a +- 2 b; integers: in
// [lo, hi), for hi > lo.
enum class Distribution { uniform, normal, truncated_normal, integers };
struct RandomParams {
  Distribution distribution;
  Shape shape;
  DType dtype;
  double a = 0, b = 0;
  index_t lo = 0, hi = 0;
};
struct ScheduleParams {
  Schedule schedule;
  std::vector<double> hyper;  // in the order that the formula declares
};
struct CustomParams {
  CallbackPtr callback;
};

using Params = std::variant<std::monostate, AxesParams, AxisParams, ShapeParams, PermuteParams, SliceParams, ClipParams,
                            CastParams, OneHotParams, MatmulParams, ActivationParams, LossParams, RandomParams,
                            ScheduleParams, CustomParams>;

// ---- Rules ----------------------------------------------------------------------------------------------------------

struct Spec {
  DType dtype;
  Shape shape;
};
using Specs = SmallVector<Spec, 2>;
using Mask = SmallVector<char, 4>;  // one truth value per input

// Reverse rule. `dy[i]` may be undefined (zero). The rule sets `dx[i]` for the wanted inputs; leaving one undefined means
// that no gradient flows there.
struct VjpContext {
  const Tensors& inputs;
  const Tensors& outputs;
  const Params& params;
  const Tensors& dy;
  Tensors& dx;
  const Mask& wanted;

  // A cotangent that is returned for `t` when it is a source, and never propagated (pre-activations, fused losses).
  virtual bool is_source(const Tensor& t) const = 0;
  virtual void report(const Tensor& t, const Tensor& cotangent) = 0;

 protected:
  VjpContext(const Tensors& in, const Tensors& out, const Params& p, const Tensors& d, Tensors& g, const Mask& w)
      : inputs(in), outputs(out), params(p), dy(d), dx(g), wanted(w) {}
  ~VjpContext() = default;
};

// Forward rule: tangents of the inputs (undefined = zero, at least one is defined) to those of the outputs. It sees the
// values that are saved for the reverse rule.
struct JvpContext {
  const Primitive& primitive;
  const Tensors& inputs;
  const Tensors& outputs;
  const Params& params;
  const Tensors& tangents;
  Tensors& out_tangents;
};

// Batching rule: what the primitive does to every example of a batch, as one operation. `batched[i]` (at least one is set)
// says whether input i has a leading axis of length `batch`; every output gets one.
struct VmapContext {
  const Primitive& primitive;
  const Tensors& inputs;
  const Mask& batched;
  const Params& params;
  index_t batch;
  Tensors& outputs;

  // The number of axes of input i of one example.
  int rank(std::size_t i) const { return inputs[i].rank() - (batched[i] ? 1 : 0); }
};

inline constexpr unsigned save_none = 0;
inline constexpr unsigned save_all = ~0u;
constexpr unsigned save(int i) { return 1u << i; }

struct Primitive {
  const char* name;
  unsigned saved_inputs = save_none;  // bit i: the derivative rules read the values of input i
  unsigned saved_outputs = save_none;

  // Checks the inputs and gives the outputs' dtypes and shapes.
  void (*shapes)(const Tensors& inputs, const Params&, Specs& specs) = nullptr;
  // Raises for values that eval could not bear, such as an index that is out of range. A program asks at every run.
  void (*check)(const Tensors& inputs, const Params&) = nullptr;
  // Fills allocated outputs; with `views`, the outputs are made by the rule (they share storage).
  void (*eval)(const Tensors& inputs, const Params&, Tensors& outputs) = nullptr;
  bool views = false;
  bool (*vjp)(VjpContext&) = nullptr;    // false: the decomposition gives the wanted dx that are still undefined
  bool (*jvp)(JvpContext&) = nullptr;    // absent or false: the decomposition gives the tangents
  void (*vmap)(VmapContext&) = nullptr;  // absent: the decomposition is batched
  void (*decompose)(const Tensors& inputs, const Params&, Tensors& outputs) = nullptr;
  // A record follows input `input` only if it follows input `leader` too (the pre-activation behind a probability).
  struct Companion {
    int input = -1, leader = -1;
  } companion = {};
  // False for integer-valued results: nothing flows through it, and tapes do not record it.
  bool differentiable = true;
  // The input whose memory the (only) output may take if nobody else holds it and the shapes are equal.
  int in_place = -1;
  // Every row of the output is a function of the same row of input 0, and the vjp for input 0 alone takes a cotangent of
  // one row that stands for all rows.
  bool by_row = false;
};

// The forward rule of a primitive that is linear in its float inputs: itself, on their tangents.
bool linear_jvp(JvpContext&);
// That of an entrywise primitive of one input: a diagonal Jacobian is its own transpose.
bool entrywise_jvp(JvpContext&);

// Runs a primitive: shape rule, eval, record.
Tensors run(const Primitive& primitive, const Tensors& inputs, const Params& params = {});
inline Tensor run1(const Primitive& primitive, const Tensors& inputs, const Params& params = {}) {
  return run(primitive, inputs, params)[0];
}

// Every primitive, by family (tests and docs walk this list).
const std::vector<const Primitive*>& all_primitives();

// ---- Recording ------------------------------------------------------------------------------------------------------

struct Node {
  const Primitive* primitive;
  Params params;
  Tensors inputs = {}, outputs = {};  // ghosts where the rules need no values
};

class Variable;

// What an operation does besides giving values: it reads tensors and writes variables.
struct Effect {
  const char* name;
  Tensors inputs;
  std::vector<std::shared_ptr<Variable>> written;
  std::function<void(const Tensors& inputs)> again;  // does it once more, with other values of the inputs
  std::size_t gradients = 0;                         // the last so many inputs update one variable each
};

using Condition = std::function<bool()>;

// What an open tape is to the primitives.
class Recorder {
 public:
  virtual bool tracks(const Tensors& inputs) const = 0;
  virtual void record(Node&& node) = 0;
  virtual void accessed(const std::shared_ptr<Variable>& variable) = 0;
  // Something tracked went into an operation that derivatives do not pass.
  virtual void cut(const char* /*what*/, const Tensors& /*inputs*/, const Tensors& /*outputs*/) {}
  // An operation on nothing tracked.
  virtual void passed(const char* /*what*/, const Tensors& /*inputs*/, const Tensors& /*outputs*/) {}

  // An effect that is about to happen; complete recorders alone are told.
  virtual void happens(Effect /*effect*/) {}
  // What follows is to be done again where `due` holds at the time, until another call; null: always.
  virtual void only_if(std::shared_ptr<const Condition> /*due*/) {}
  // A variable that has just been made.
  virtual void made_variable() {}
  // What happens now in the host language would be something else the next time.
  virtual void unrepeatable(const std::string& /*reason*/) {}

  // A complete recorder gets every operation on what it tracks, differentiable or not, with all values; and the recorders
  // opened before it do not get it.
  const bool complete;

 protected:
  explicit Recorder(bool complete_ = false) : complete(complete_) {}
  ~Recorder() = default;
};

// Sees what a thread computes and changes nothing: recorders and memory are as they were without it.
class Observer {
 public:
  // An operation that has just run.
  virtual void saw(const Primitive&, const Params&, const Tensors& inputs, const Tensors& outputs) = 0;
  // Whether the values of an input may be overwritten by an operation that it is about to see.
  virtual bool can_spare(const Tensor& input) const = 0;

 protected:
  ~Observer() = default;
};

// The recorders that a thread has opened, outermost first, and where recording was paused. A recorder keeps the stack that
// it is on, so that it can leave it from any thread; who does so takes care that the threads take turns (Python's GIL).
class RecorderStack {
 public:
  void push(Recorder* recorder) { entries_.push_back(recorder); }
  void remove(Recorder* recorder) { std::erase(entries_, recorder); }
  // Hides what is open now. Complete recorders are kept if asked for: they follow values, not derivatives.
  void pause(bool keep_complete = false);
  void resume();
  // Those above the last pause.
  std::span<Recorder* const> open() const;

  Observer* observer = nullptr;

 private:
  std::vector<Recorder*> entries_;
};

// This thread's stack, and what is open on it.
const std::shared_ptr<RecorderStack>& recorder_stack();
inline std::span<Recorder* const> recorders() { return recorder_stack()->open(); }

// Records a node on the recorders that track one of its inputs.
void record(const Primitive& primitive, const Params& params, const Tensors& inputs, const Tensors& outputs);

// Lets the open complete recorders know of an effect before it happens; `effect()` makes it if there are any.
template <class F>
void announce(F&& effect) {
  for (Recorder* recorder : recorders())
    if (recorder->complete) recorder->happens(effect());
}

// Whether a complete recorder is open.
inline bool is_traced() {
  const auto open = recorders();
  return std::any_of(open.begin(), open.end(), [](const Recorder* r) { return r->complete; });
}

// What happens while this lives is a matter of each run for the complete recorders. None is in another.
class OnlyIf {
 public:
  explicit OnlyIf(Condition due) { tell(std::make_shared<const Condition>(std::move(due))); }
  ~OnlyIf() { tell(nullptr); }
  OnlyIf(const OnlyIf&) = delete;
  OnlyIf& operator=(const OnlyIf&) = delete;

 private:
  static void tell(const std::shared_ptr<const Condition>& due) {
    for (Recorder* recorder : recorders())
      if (recorder->complete) recorder->only_if(due);
  }
};

// No recorder is open while this lives, but those that are opened meanwhile. What only derivatives do not see (an
// assignment, say) keeps the complete ones; what happens inside of a primitive keeps none.
class PauseRecording {
 public:
  explicit PauseRecording(bool keep_complete = false) : stack_(recorder_stack()) { stack_->pause(keep_complete); }
  ~PauseRecording() { stack_->resume(); }
  PauseRecording(const PauseRecording&) = delete;
  PauseRecording& operator=(const PauseRecording&) = delete;

 private:
  const std::shared_ptr<RecorderStack> stack_;
};

}  // namespace densegrad
