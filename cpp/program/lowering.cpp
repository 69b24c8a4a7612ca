// From a script to a program: what nobody needs is dropped, views and in-place operations share memory, the rest gets a
// place in the arena by its lifetime.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <string_view>

#include "ops/ops.h"
#include "program/arena.h"
#include "program/program.h"

namespace densegrad {

namespace {

void copy_eval(const Tensors& in, const Params&, Tensors& out) {
  std::memcpy(out[0].raw(), in[0].raw(), static_cast<std::size_t>(in[0].size() * item_size(in[0].dtype())));
}

const Primitive copy_primitive{.name = "copy", .eval = copy_eval};

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// Nanoseconds, roughly: what decides whether the interpreter is let go meanwhile.
double work_of(const Primitive& primitive, const Tensors& in, const Tensors& out) {
  double entries = 0;
  for (const Tensor& t : out) entries += static_cast<double>(t.size());
  const std::string_view name = primitive.name;
  if (name != "matmul" && name != "dense") return 20 + entries;
  // (m, k)·(k, n): the product of their sizes over that of the result is k squared.
  const double sizes = static_cast<double>(in[0].size()) * static_cast<double>(in[1].size());
  const double rows_by_cols = std::max(1.0, static_cast<double>(out[0].size()));
  return 100 + rows_by_cols * std::sqrt(sizes / rows_by_cols) / 50;
}

}  // namespace

class Lowering {
 public:
  Lowering(Program& program, Script script) : program_(program), script_(std::move(script)) {}

  void run() {
    copy_results();
    drop_unneeded();
    join_losses();
    join_squares();
    copy_unsafe_views();
    copy_shared_gradients();
    find_memory();
    share_in_place();
    place();
    find_effects();
    emit();
  }

 private:
  ScriptValue& value(int v) { return script_.values[at(v)]; }

  // Results have memory of their own, which no argument, variable, constant or update has, and no two of them share.
  void copy_results() {
    std::vector<char> taken(script_.values.size(), 0);
    std::vector<int> root = roots();
    for (const ScriptStep& step : script_.steps)
      for (const int v : gradients_of(step)) taken[at(root[at(v)])] = 1;
    for (int& r : script_.results) {
      const int base = root[at(r)];
      const bool own = value(base).kind == ScriptValue::made && !taken[at(base)];
      if (own) {
        taken[at(base)] = 1;
        continue;
      }
      script_.steps.push_back(copy_of(r));
      r = script_.steps.back().outputs[0];
    }
  }

  // A step that makes it; the new value is its output.
  ScriptStep copy_of(int v) {
    script_.values.push_back({ScriptValue::made, value(v).dtype, value(v).shape});
    return {.inputs = {v}, .outputs = {static_cast<int>(script_.values.size()) - 1}};
  }

  static std::span<int> gradients_of(ScriptStep& step) { return std::span(step.inputs).last(step.gradients); }
  static std::span<const int> gradients_of(const ScriptStep& step) {
    return std::span(step.inputs).last(step.gradients);
  }

  // The value whose memory a value is a view of.
  std::vector<int> roots() {
    std::vector<int> root(script_.values.size());
    std::iota(root.begin(), root.end(), 0);
    for (const ScriptStep& step : script_.steps)
      if (step.primitive && step.primitive->views) root[at(step.outputs[0])] = root[at(step.inputs[0])];
    return root;
  }

  void drop_unneeded() {
    std::vector<char> needed(script_.values.size(), 0);
    for (const int r : script_.results) needed[at(r)] = 1;
    std::vector<ScriptStep> kept;
    for (auto step = script_.steps.rbegin(); step != script_.steps.rend(); ++step) {
      const bool live =
          step->again || std::any_of(step->outputs.begin(), step->outputs.end(), [&](int v) { return needed[at(v)]; });
      if (!live) continue;
      for (const int v : step->inputs) needed[at(v)] = 1;
      kept.push_back(std::move(*step));
    }
    std::reverse(kept.begin(), kept.end());
    script_.steps = std::move(kept);
    needed_ = std::move(needed);
  }

  // A loss and its gradient, where that does not wait for the values, are one step: both need the same exponentials.
  void join_losses() {
    const std::vector<int> root = roots();
    std::vector<std::size_t> made(script_.values.size(), 0);  // by which step, counted from 1
    for (std::size_t s = 0; s < script_.steps.size(); ++s)
      for (const int v : script_.steps[s].outputs) made[at(v)] = s + 1;
    const auto changes = [&](int v) { return value(root[at(v)]).kind == ScriptValue::variable; };
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      ScriptStep& loss = script_.steps[s];
      const auto grad = std::find_if(
          script_.steps.begin() + static_cast<std::ptrdiff_t>(s), script_.steps.end(), [&](const ScriptStep& other) {
            if (!loss.primitive || !other.primitive || !loss_with_grad(*loss.primitive, *other.primitive)) return false;
            const bool fused = other.inputs.size() > 3;
            return std::equal(other.inputs.begin(), other.inputs.begin() + 2, loss.inputs.begin()) &&
                   (!fused || other.inputs[3] == loss.inputs[2]) && made[at(other.inputs[2])] <= s &&
                   std::get<LossParams>(loss.params) == std::get<LossParams>(other.params) &&
                   std::none_of(other.inputs.begin(), other.inputs.end(), changes);
          });
      if (grad == script_.steps.end()) continue;
      loss.primitive = loss_with_grad(*loss.primitive, *grad->primitive);
      loss.name = loss.primitive->name;
      loss.inputs = grad->inputs;
      loss.outputs = {grad->outputs[0], loss.outputs[0]};
      script_.steps.erase(grad);  // `made` is one too high for what comes behind, which is on the safe side
    }
  }

  // The squares of a norm need no memory: they are summed as they come.
  void join_squares() {
    std::vector<int> readers(script_.values.size(), 0);
    for (const ScriptStep& step : script_.steps)
      for (const int v : step.inputs) ++readers[at(v)];
    for (const int r : script_.results) ++readers[at(r)];
    for (std::size_t s = 1; s < script_.steps.size(); ++s) {
      ScriptStep &squares = script_.steps[s - 1], &sum = script_.steps[s];
      const std::string_view name = squares.primitive ? squares.name : "";
      const bool are_squares = name == "square" || (name == "multiply" && squares.inputs[0] == squares.inputs[1]);
      if (!are_squares || !sum.primitive || sum.inputs[0] != squares.outputs[0] || readers[at(sum.inputs[0])] > 1) {
        continue;
      }
      const ScriptValue& x = value(squares.inputs[0]);
      const Primitive* joint = sum_of_squares(*sum.primitive, sum.params, Tensor::symbolic(x.dtype, x.shape));
      if (!joint) continue;
      sum.primitive = joint;
      sum.name = joint->name;
      sum.inputs = {squares.inputs[0]};
      script_.steps.erase(script_.steps.begin() + static_cast<std::ptrdiff_t>(--s));
    }
  }

  // A view of a variable that is read after the variable was written has to be a copy.
  void copy_unsafe_views() {
    const std::vector<int> root = roots();
    std::vector<std::size_t> last_read(script_.values.size(), 0);
    for (std::size_t s = 0; s < script_.steps.size(); ++s)
      for (const int v : script_.steps[s].inputs) last_read[at(v)] = s;
    for (std::size_t s = script_.steps.size(); s-- > 0;) {  // the views of a view come after it
      const ScriptStep& step = script_.steps[s];
      if (!(step.primitive && step.primitive->views)) continue;
      auto& read = last_read[at(step.inputs[0])];
      read = std::max(read, last_read[at(step.outputs[0])]);
    }
    std::vector<std::size_t> last_written(script_.values.size(), 0);
    for (std::size_t s = script_.steps.size(); s-- > 0;) {
      ScriptStep& step = script_.steps[s];
      for (const int v : step.written)
        if (last_written[at(v)] == 0) last_written[at(v)] = s;
    }
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      ScriptStep& step = script_.steps[s];
      if (!(step.primitive && step.primitive->views)) continue;
      const int base = root[at(step.inputs[0])];
      if (value(base).kind != ScriptValue::variable) continue;
      // One write between is enough to be careful.
      if (last_written[at(base)] > s && last_read[at(step.outputs[0])] > s) step.primitive = &copy_primitive;
    }
  }

  // What several updates take, or several variables of one, lies in each of their blocks.
  void copy_shared_gradients() {
    const std::vector<int> root = roots();
    std::vector<char> taken(script_.values.size(), 0);
    std::vector<ScriptStep> steps;
    for (ScriptStep& step : script_.steps) {
      for (int& v : gradients_of(step)) {
        if (value(root[at(v)]).kind != ScriptValue::made) continue;
        char& before = taken[at(root[at(v)])];
        if (before) {
          steps.push_back(copy_of(v));
          v = steps.back().outputs[0];
        }
        before = 1;
      }
      steps.push_back(std::move(step));
    }
    script_.steps = std::move(steps);
    is_gradient_ = std::move(taken);
    is_gradient_.resize(script_.values.size(), 0);
  }

  void find_memory() {
    root_ = roots();
    first_.assign(script_.values.size(), 0);
    last_.assign(script_.values.size(), 0);
    const std::size_t end = script_.steps.size();
    for (std::size_t s = 0; s < end; ++s) {
      const ScriptStep& step = script_.steps[s];
      for (const int v : step.inputs) last_[at(root_[at(v)])] = s;
      if (step.primitive && step.primitive->views) continue;
      for (const int v : step.outputs) {
        first_[at(v)] = s;
        last_[at(v)] = std::max(last_[at(v)], s);
      }
    }
    for (const int r : script_.results) last_[at(root_[at(r)])] = end;
  }

  bool is_result(int base) const {
    return std::any_of(script_.results.begin(), script_.results.end(), [&](int r) { return root_[at(r)] == base; });
  }

  // `from`'s memory becomes `to`'s: both lie there, and it lives as long as either.
  void merge(int from, int to) {
    for (int& r : root_)
      if (r == from) r = to;
    is_gradient_[at(to)] |= is_gradient_[at(from)];
    first_[at(to)] = std::min(first_[at(to)], first_[at(from)]);
    last_[at(to)] = std::max(last_[at(to)], last_[at(from)]);
  }

  void share_in_place() {
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      const ScriptStep& step = script_.steps[s];
      if (!step.primitive) continue;
      // The pre-activation of a dense layer that nobody reads lies where the output will.
      if (step.outputs.size() == 2 && std::string_view(step.name) == "dense" && !needed_[at(step.outputs[1])] &&
          root_[at(step.outputs[0])] == step.outputs[0]) {
        merge(step.outputs[1], step.outputs[0]);
      }
      if (step.primitive->in_place < 0) continue;
      const int from = root_[at(step.inputs[at(step.primitive->in_place)])], to = step.outputs[0];
      const bool read_once =
          std::count_if(step.inputs.begin(), step.inputs.end(), [&](int v) { return root_[at(v)] == from; }) == 1;
      if (value(from).kind == ScriptValue::made && last_[at(from)] == s && read_once && !is_result(from) &&
          !is_result(to) && !(is_gradient_[at(from)] && is_gradient_[at(to)]) &&
          value(from).bytes() == value(to).bytes()) {
        merge(to, from);
      }
    }
  }

  void place() {
    std::vector<Buffer> buffers;
    std::vector<int> owners;
    std::vector<char> used(script_.values.size(), 0);
    for (const ScriptStep& step : script_.steps)
      for (const int v : step.outputs) used[at(root_[at(v)])] = 1;
    for (std::size_t v = 0; v < script_.values.size(); ++v) {
      const int base = static_cast<int>(v);
      if (!used[v] || value(base).kind != ScriptValue::made || root_[v] != base || is_result(base)) continue;
      buffers.push_back({value(base).bytes(), first_[v], last_[v]});
      owners.push_back(base);
    }
    const std::vector<BufferBlock> blocks = blocks_of_gradients(owners);
    program_.arena_bytes_ = plan_arena(buffers, blocks);
    program_.arena_ = Ref<Storage>(new Storage(program_.arena_bytes_));
    memory_.resize(script_.values.size());
    for (std::size_t i = 0; i < owners.size(); ++i)
      memory_[at(owners[i])] = borrowed(program_.arena_->data + buffers[i].offset, buffers[i].bytes);
    for (const BufferBlock& block : blocks) {
      const Buffer& last = buffers[block.back()];
      Program::Gradients gradients{{}, last.offset + arena_rounded(last.bytes) - buffers[block[0]].offset};
      for (const std::size_t i : block) gradients.offsets.push_back(buffers[i].offset);
      program_.gradients_.push_back(std::move(gradients));
    }
  }

  // `owners`: the values of the buffers, ascending.
  std::vector<BufferBlock> blocks_of_gradients(const std::vector<int>& owners) const {
    std::vector<BufferBlock> blocks;
    for (const ScriptStep& step : script_.steps) {
      BufferBlock block;
      for (const int v : gradients_of(step)) {
        const auto owner = std::lower_bound(owners.begin(), owners.end(), root_[at(v)]);
        if (owner != owners.end() && *owner == root_[at(v)]) {
          block.push_back(static_cast<std::size_t>(owner - owners.begin()));
        }
      }
      if (!block.empty()) blocks.push_back(std::move(block));
    }
    return blocks;
  }

  // Which steps have an effect, an error that they may raise included, or make something for one that has.
  void find_effects() {
    has_effect_.assign(script_.steps.size(), 0);
    std::vector<char> needed(script_.values.size(), 0);  // by memory: what is written in place needs what was there
    for (std::size_t s = script_.steps.size(); s-- > 0;) {
      const ScriptStep& step = script_.steps[s];
      const auto makes = [&](int v) { return needed[at(root_[at(v)])] != 0; };
      if (!step.again && !(step.primitive && step.primitive->check) &&
          !std::any_of(step.outputs.begin(), step.outputs.end(), makes)) {
        continue;
      }
      has_effect_[s] = 1;
      for (const int v : step.inputs) needed[at(root_[at(v)])] = 1;
    }
  }

  static Ref<Storage> borrowed(void* data, std::size_t bytes) {
    return Ref<Storage>(new Storage(static_cast<std::byte*>(data), bytes));
  }

  void emit() {
    for (const int a : script_.arguments) {
      memory_[at(a)] = borrowed(nullptr, value(a).bytes());
      program_.argument_memory_.push_back(memory_[at(a)]);
      program_.arguments_.push_back({value(a).dtype, value(a).shape});
    }
    for (const int r : script_.results) {
      const int base = root_[at(r)];
      memory_[at(base)] = borrowed(nullptr, value(base).bytes());
      program_.results_.push_back({value(r).dtype, value(r).shape, memory_[at(base)]});
    }
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      ScriptStep& step = script_.steps[s];
      if (step.primitive && step.primitive->views) continue;
      if (!step.again && !step.primitive) step.primitive = &copy_primitive;
      Program::Instruction instruction{step.primitive, std::move(step.params), std::move(step.again), step.name, {}, {},
                                       !has_effect_[s]};
      for (const int v : step.inputs) instruction.inputs.push_back(tensor(v));
      for (const int v : step.outputs) instruction.outputs.push_back(tensor(v));
      for (const int v : step.written) keep(value(v).source);
      program_.work_ += instruction.primitive ? work_of(*instruction.primitive, instruction.inputs, instruction.outputs)
                                              : effect_work(instruction.inputs);
      program_.instructions_.push_back(std::move(instruction));
    }
  }

  static double effect_work(const Tensors& in) {
    double entries = 0;
    for (const Tensor& t : in) entries += static_cast<double>(t.size());
    return 50 + entries;
  }

  void keep(const std::shared_ptr<Variable>& variable) {
    auto& kept = program_.variables_;
    if (std::find(kept.begin(), kept.end(), variable) == kept.end()) kept.push_back(variable);
  }

  // A value as the tensor that the rules get, on memory that does not count as held.
  Tensor tensor(int v) {
    const ScriptValue& own = value(v);
    if (own.kind == ScriptValue::constant) return own.tensor;
    const int base = root_[at(v)];
    const ScriptValue& based = value(base);
    if (based.kind == ScriptValue::constant) return based.tensor.view(own.shape);
    Ref<Storage>& memory = memory_[at(base)];
    if (based.kind == ScriptValue::variable && !memory) {
      memory = borrowed(based.source->value().raw(), based.bytes());
      keep(based.source);
    }
    return Tensor::symbolic(own.dtype, own.shape).with_storage(memory);
  }

  Program& program_;
  Script script_;
  std::vector<char> needed_;
  std::vector<int> root_;
  std::vector<std::size_t> first_, last_;
  std::vector<char> has_effect_, is_gradient_;
  std::vector<Ref<Storage>> memory_;
};

Program::Program(Script script) { Lowering(*this, std::move(script)).run(); }

}  // namespace densegrad
