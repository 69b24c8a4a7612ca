// From a script to a program: views and in-place operations share memory, the rest gets a place in the arena by its
// lifetime.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "ops/ops.h"
#include "program/arena.h"
#include "program/program.h"
#include "program/rewrites.h"

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
    uses_ = rewrite(script_);
    find_memory();
    share_in_place();
    place();
    find_effects();
    emit();
  }

 private:
  ScriptValue& value(int v) { return script_.values[at(v)]; }

  void find_memory() {
    root_ = roots(script_);
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
    uses_.updates[at(to)] |= uses_.updates[at(from)];
    first_[at(to)] = std::min(first_[at(to)], first_[at(from)]);
    last_[at(to)] = std::max(last_[at(to)], last_[at(from)]);
  }

  void share_in_place() {
    for (std::size_t s = 0; s < script_.steps.size(); ++s) {
      const ScriptStep& step = script_.steps[s];
      if (!step.primitive) continue;
      // The pre-activation of a dense layer that nobody reads lies where the output will.
      if (step.outputs.size() == 2 && std::string_view(step.name) == "dense" && !uses_.needed[at(step.outputs[1])] &&
          root_[at(step.outputs[0])] == step.outputs[0]) {
        merge(step.outputs[1], step.outputs[0]);
      }
      if (step.primitive->in_place < 0) continue;
      const int from = root_[at(step.inputs[at(step.primitive->in_place)])], to = step.outputs[0];
      const bool read_once =
          std::count_if(step.inputs.begin(), step.inputs.end(), [&](int v) { return root_[at(v)] == from; }) == 1;
      if (value(from).kind == ScriptValue::made && last_[at(from)] == s && read_once && !is_result(from) &&
          !is_result(to) && !(uses_.updates[at(from)] && uses_.updates[at(to)]) &&
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
      const bool conditional = !has_effect_[s] || step.due;
      Program::Instruction instruction{step.primitive, std::move(step.params), std::move(step.again), step.name, {}, {},
                                       conditional,    !has_effect_[s],        std::move(step.due)};
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
  Uses uses_;
  std::vector<int> root_;
  std::vector<std::size_t> first_, last_;
  std::vector<char> has_effect_;
  std::vector<Ref<Storage>> memory_;
};

Program::Program(Script script) { Lowering(*this, std::move(script)).run(); }

}  // namespace densegrad
