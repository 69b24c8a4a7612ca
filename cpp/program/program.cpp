#include "program/program.h"

#include <cstring>
#include <sstream>

namespace densegrad {

void Program::run(std::span<const void* const> arguments, std::vector<Tensor>& results) {
  make_results(results);
  run_on(arguments, true);
}

void Program::make_results(std::vector<Tensor>& results) {
  if (results.empty()) {
    for (const Result& r : results_) results.emplace_back(r.dtype, r.shape);
  }
  for (std::size_t i = 0; i < results_.size(); ++i) {
    results_[i].memory->data = static_cast<std::byte*>(results[i].raw());
  }
}

void Program::run_on(std::span<const void* const> arguments, bool whole) {
  for (std::size_t i = 0; i < argument_memory_.size(); ++i) {
    argument_memory_[i]->data = static_cast<std::byte*>(const_cast<void*>(arguments[i]));  // never written
  }
  // No recorder sees what happens here: whoever has tapes open runs the function itself.
  for (Instruction& i : instructions_) {
    if (i.conditional && !i.runs(whole)) continue;
    if (i.primitive) {
      if (i.primitive->check) i.primitive->check(i.inputs, i.params);
      i.primitive->eval(i.inputs, i.params, i.outputs);
    } else {
      i.again(i.inputs);
    }
  }
}

void Program::poison() { std::memset(arena_->data, 0xff, arena_bytes_); }

std::string Program::describe() const {
  std::ostringstream text;
  text << instructions_.size() << " instructions, arena of " << arena_bytes_ << " bytes\n";
  for (const Gradients& g : gradients_) {
    text << "  gradients of an update: " << g.offsets.size() << " in the " << g.bytes << " bytes at offset "
         << g.offsets[0] << '\n';
  }
  for (const Instruction& i : instructions_) {
    text << "  " << i.name << " (";
    for (std::size_t k = 0; k < i.inputs.size(); ++k) text << (k ? ", " : "") << i.inputs[k].shape();
    text << ")";
    for (std::size_t k = 0; k < i.outputs.size(); ++k) text << (k ? ", " : " -> ") << i.outputs[k].shape();
    text << '\n';
  }
  return text.str();
}

}  // namespace densegrad
