// Programs: the bits of what they were recorded from, and no allocation in a run after the first.
#include "program/program.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <array>
#include <set>

#include "check.h"
#include "formulas/optimizers.h"
#include "ops/update.h"
#include "program/batches.h"
#include "program/trace.h"

namespace densegrad::driver {
namespace {

using Values = std::vector<Tensor>;
using Step = std::function<Values(const Values&)>;

// A tensor with an identity and memory of its own.
Tensor copy_of(const Tensor& t) {
  Tensor copy(t.dtype(), t.shape());
  std::memcpy(copy.raw(), t.raw(), static_cast<std::size_t>(t.size() * item_size(t.dtype())));
  return copy;
}

std::unique_ptr<Program> recorded(const Step& step, const Values& arguments) {
  ProgramTrace trace(arguments);
  const Values results = step(arguments);
  trace.stop();
  auto program = std::make_unique<Program>(trace.script(results));
  require(trace.refusal().empty(), "a step was refused: ", trace.refusal());
  program->poison();
  return program;
}

void run(Program& program, const Values& arguments, Values& results) {
  std::array<const void*, 64> memory{};
  for (std::size_t i = 0; i < arguments.size(); ++i) memory[i] = arguments[i].raw();
  program.run({memory.data(), arguments.size()}, results);
}

std::size_t heap_in_use() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  return mallinfo2().uordblks;
#else
  return 0;
#endif
}

// ---- Primitives ------------------------------------------------------------------------------------------------------

// Those that need scratch memory whose size depends on the input, and the cases of others that do.
bool takes_scratch(const PrimitiveCase& c) {
  static const std::set<std::string> primitives{"argsort", "solve",    "inv",  "det",
                                                "slogdet", "cholesky", "eigh", "sum_to"};
  if (primitives.count(c.name)) return true;
  if (const auto* p = std::get_if<LossParams>(&c.params)) {  // classes on another axis are moved to the last one
    return p->axis != c.inputs[1].rank() - 1;
  }
  if (const auto* p = std::get_if<AxesParams>(&c.params)) {  // axes with others between them are reduced in turn
    for (int i = 1; i < p->axes.rank(); ++i)
      if (p->axes[i] != p->axes[i - 1] + 1) return true;
  }
  return false;
}

void test_primitive(const PrimitiveCase& c) {
  const std::string what = describe(c) + " as a program";
  Values arguments;
  for (const Tensor& t : c.inputs) arguments.push_back(copy_of(t));
  const auto step = [&](const Values& given) {
    Tensors in;
    for (const Tensor& t : given) in.push_back(t);
    const Tensors out = evaluate(c, in, false);
    return Values(out.begin(), out.end());
  };
  const Values expected = step(arguments);
  const auto program = recorded(step, arguments);
  Values results;
  run(*program, arguments, results);
  require(results.size() == expected.size(), what, ": ", results.size(), " results");
  for (std::size_t i = 0; i < results.size(); ++i) require(same_bits(results[i], expected[i]), what, ": other bits");
  const long long before = allocations();
  for (int k = 0; k < 3; ++k) run(*program, arguments, results);
  const long long made = allocations() - before;
  require(made == 0 || takes_scratch(c), what, ": ", made, " allocations in 3 runs");
}

// ---- Training steps --------------------------------------------------------------------------------------------------

VariableRef variable(const Tensor& value) { return std::make_shared<Variable>(value, "v", true); }

struct Sizes {
  index_t rows;
  std::vector<index_t> widths;
};

// A classifier, the slots of its optimizer, and a step on (x, labels) that gives the loss.
struct Training {
  std::vector<VariableRef> weights;
  VariableRef iterations = variable(Tensor::scalar(DType::int64, 0)), shared, rate;
  UpdateRule rule;
  StepOptions options;
  std::vector<std::vector<VariableRef>> slots;
  Values batch;

  Training(Rng& rng, const Sizes& sizes, DType dtype, Optimizer optimizer, StepOptions options_ = {})
      : rate(variable(Tensor::scalar(dtype, 1e-3))), options(std::move(options_)) {
    for (std::size_t i = 0; i + 1 < sizes.widths.size(); ++i) {
      const double limit = std::sqrt(3.0 / static_cast<double>(sizes.widths[i]));
      weights.push_back(variable(uniform(rng, {sizes.widths[i], sizes.widths[i + 1]}, -limit, limit, dtype)));
      weights.push_back(variable(uniform(rng, {sizes.widths[i + 1]}, -1, 1, dtype)));
    }
    std::size_t count = 0;
    formulas::visit(optimizer, [&](auto entry) {
      using Entry = decltype(entry);
      count = static_cast<std::size_t>(formulas::max_slots<Entry>);
      for (const std::string name : Entry::hyper_names)
        rule.hyper.push_back(name == "learning_rate_power" ? -0.5 : 0.5);
      if (formulas::shares<Entry>) shared = variable(Tensor::scalar(dtype, 1));
    });
    rule.optimizer = optimizer;
    rule.shared = shared;
    for (const VariableRef& w : weights) {
      slots.emplace_back();
      const Tensor zeros = tensor_of(dtype, w->value().shape(), [](index_t) { return 0.0; });
      for (std::size_t k = 0; k < count; ++k) slots.back().push_back(variable(zeros));
      if (options.accumulation_steps > 1) options.accumulators.push_back(variable(zeros));
      if (options.ema_momentum > 0) options.averages.emplace_back(w, variable(w->value()));
      if (options.weight_decay > 0) options.decayed.push_back(w);
    }
    options.all_accumulators = options.accumulators;
    batch = {uniform(rng, {sizes.rows, sizes.widths.front()}, -1, 1, dtype),
             integers(rng, {sizes.rows}, sizes.widths.back())};
  }

  // The loss, and the gradients behind it.
  Values gradients(const Values& given) const {
    Tape tape(false, true);
    tape.enter();
    Tensor y = given[0];
    for (std::size_t i = 0; i < weights.size(); i += 2) {
      const Activation act = i + 2 < weights.size() ? Activation::relu : Activation::softmax;
      y = dense(y, weights[i]->read(), weights[i + 1]->read(), act);
    }
    const Tensor value = loss(given[1], y, Tensor(), LossOptions(Loss::sparse_categorical_crossentropy));
    tape.exit();
    Values sources;
    for (const VariableRef& w : weights) sources.push_back(w->value());
    Values found = tape.gradient({value}, sources, {});
    found.insert(found.begin(), value);
    return found;
  }

  Values step(const Values& given) const {
    const Values found = gradients(given);
    std::vector<VariableUpdate> updates;
    for (std::size_t i = 0; i < weights.size(); ++i) updates.push_back({weights[i], found[i + 1], slots[i]});
    optimizer_step(rule, std::move(updates), rate->read(), options, iterations);
    return {found[0]};
  }

  std::unique_ptr<Program> program() const {
    return recorded([this](const Values& given) { return step(given); }, batch);
  }
};

const Sizes small{32, {4, 32, 32, 3}}, shared_work{256, {128, 256, 10}};

// On more than one thread, each other thread allocates the BLAS' block of its own once, with its first product.
void require_no_allocation(const std::string& what, const Training& training, int runs, int threads = 1) {
  const auto program = training.program();
  Values results;
  run(*program, training.batch, results);
  const long long before = allocations();
  const std::size_t heap = heap_in_use();
  for (int k = 0; k < runs; ++k) run(*program, training.batch, results);
  const long long made = allocations() - before;
  require(made < threads, what, ": ", made, " allocations in ", runs, " steps");
  require(made > 0 || heap_in_use() == heap, what, ": the heap grew from ", heap, " to ", heap_in_use(), " bytes");
  require(std::isfinite(values_of(results[0])[0]), what, ": the loss is not finite");
}

// Each option alone and all together, with and without accumulation of gradients.
std::vector<std::pair<std::string, StepOptions>> all_options() {
  using Setter = std::function<void(StepOptions&)>;
  const auto clipped = [](Clip clip) -> Setter {
    return [clip](StepOptions& options) {
      options.clip = clip;
      options.clip_limit = 0.1;
    };
  };
  const Setter decayed = [](StepOptions& options) { options.weight_decay = 0.1; };
  const Setter scaled = [](StepOptions& options) { options.loss_scale = 8.0; };
  const Setter averaged = [](StepOptions& options) {
    options.ema_momentum = 0.9;
    options.ema_overwrite_frequency = 2;
  };
  const auto all_and = [&](Clip clip) -> Setter {
    return [=, clip_by = clipped(clip)](StepOptions& options) {
      for (const Setter& set : {decayed, scaled, averaged, clip_by}) set(options);
    };
  };
  const std::vector<std::pair<std::string, Setter>> setters{
      {"", [](StepOptions&) {}},
      {", clipnorm", clipped(Clip::norm)},
      {", global_clipnorm", clipped(Clip::global_norm)},
      {", clipvalue", clipped(Clip::value)},
      {", weight_decay", decayed},
      {", loss_scale", scaled},
      {", ema", averaged},
      {", everything and clipnorm", all_and(Clip::norm)},
      {", everything and global_clipnorm", all_and(Clip::global_norm)},
      {", everything and clipvalue", all_and(Clip::value)}};
  std::vector<std::pair<std::string, StepOptions>> all;
  for (const index_t accumulation : {1, 3}) {
    for (const auto& [what, set] : setters) {
      StepOptions options;
      options.accumulation_steps = accumulation;
      set(options);
      all.emplace_back((accumulation > 1 ? ", accumulation" : "") + what, std::move(options));
    }
  }
  return all;
}

void test_steps(Rng& rng) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (int i = 0; i < size_of<Optimizer>(); ++i) {
      const auto optimizer = static_cast<Optimizer>(i);
      const std::string name = names_of<Optimizer>()[static_cast<std::size_t>(i)];
      require_no_allocation(name, Training(rng, small, dtype, optimizer), 1000);
      for (const auto& [what, options] : all_options())
        require_no_allocation(name + what, Training(rng, small, dtype, optimizer, options), 30);
    }
    for (int threads : {1, 2, 4}) {
      const Threads set(threads);
      require_no_allocation("shared work", Training(rng, shared_work, dtype, Optimizer::adam), 20, threads);
    }
  }
}

// After a step the final gradients lie one behind the other in the arena, in the order of the variables.
void test_gradient_blocks(Rng& rng) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (Clip clip : {Clip::none, Clip::norm, Clip::global_norm, Clip::value}) {
      for (const Sizes& sizes : {small, Sizes{1, {1, 1}}, Sizes{0, {3, 5, 2}}, Sizes{100, {7, 64, 3, 2}}}) {
        StepOptions options;
        options.clip = clip;
        options.clip_limit = 0.1;
        const Training training(rng, sizes, dtype, Optimizer::adam, options);
        const auto program = training.program();
        Values expected = training.gradients(training.batch), results;
        expected.erase(expected.begin());
        clip_gradients(expected, clip, options.clip_limit);
        run(*program, training.batch, results);
        require(program->gradients().size() == 1, program->gradients().size(), " blocks of gradients");
        const Program::Gradients& block = program->gradients()[0];
        require(block.offsets.size() == expected.size(), block.offsets.size(), " gradients in a block");
        std::size_t end = block.offsets[0];
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const auto bytes = static_cast<std::size_t>(expected[i].size() * item_size(dtype));
          require(block.offsets[i] == end && end % 64 == 0, "gradient ", i, " lies at ", block.offsets[i]);
          require(std::memcmp(program->arena() + end, expected[i].raw(), bytes) == 0, "gradient ", i, ": other bits");
          end += (bytes + 63) / 64 * 64;
        }
        require(end - block.offsets[0] == block.bytes && end <= program->arena_bytes(), "a block of ", block.bytes);
      }
    }
  }
}

// An epoch of whole batches, in the order of the rows and shuffled: the allocations do not depend on its length.
void test_epochs(Rng& rng) {
  for (const bool shuffled : {false, true}) {
    const Training training(rng, small, DType::float32, Optimizer::adam);
    const auto program = training.program();
    constexpr index_t rows = 3200;
    const Tensor x = uniform(rng, {rows, 4}, -1, 1, DType::float32), labels = integers(rng, {rows}, 3);
    std::vector<index_t> order;
    for (index_t i = 0; i < rows; ++i) order.push_back((i * 7) % rows);
    const Rows all{{static_cast<const std::byte*>(x.raw()), static_cast<const std::byte*>(labels.raw())},
                   rows,
                   shuffled ? order.data() : nullptr};
    const auto epoch = [&](index_t batches) {
      Values results;
      const long long before = allocations();
      const index_t done = run_batches(*program, all, 0, batches, 1000.0, results);
      require(done == batches, "an epoch ended after ", done, " batches");
      return allocations() - before;
    };
    epoch(1);
    const long long one = epoch(1), hundred = epoch(100);
    require(one == hundred, one, " allocations in one batch, ", hundred, " in a hundred");
  }
}

// A million steps, and programs that come and go.
void test_heap(Rng& rng) {
  const int steps = counts_allocations() ? 1'000'000 : 1'000;  // sanitizers take ten times as long
  const Training tiny(rng, {4, {3, 4, 2}}, DType::float32, Optimizer::adam);
  require_no_allocation("a million steps", tiny, steps);
  // What glibc keeps for its threads varies by some bytes: less than one block per network is no leak.
  constexpr int networks = 300;
  std::size_t heap = 0;
  for (int k = 0; k < 20 + networks; ++k) {
    if (k == 20) heap = heap_in_use();
    const Training training(rng, small, DType::float32, Optimizer::adam);
    const auto program = training.program();
    Values results;
    run(*program, training.batch, results);
  }
  require(heap_in_use() < heap + 16 * networks, networks, " networks left ", heap_in_use() - heap, " bytes");
}

}  // namespace

void test_programs(Rng& rng) {
  for (const PrimitiveCase& c : primitive_cases(rng)) test_primitive(c);
  test_steps(rng);
  test_gradient_blocks(rng);
  test_epochs(rng);
  test_heap(rng);
}

}  // namespace densegrad::driver
